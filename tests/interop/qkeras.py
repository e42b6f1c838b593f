# SPDX-License-Identifier: GPL-3.0-or-later
"""keras-h5, qkeras-h5 and qkeras-json in Keras 2 and QKeras."""
from __future__ import annotations

import os
from pathlib import Path

from .support import MODEL, difference, export, predict, quantizers, samples

PACKAGES = ["tensorflow-cpu==2.15.1", "qkeras==0.9.0", "keras-tuner==1.4.7", "tensorflow-model-optimization==0.7.5", "numpy<2", "h5py", "pyparsing", "tqdm", "networkx", "scipy"]


def run(cli: str, folder: Path) -> list[str]:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow
    from qkeras.utils import load_qmodel, quantized_model_from_json
    x, options = samples(cli, folder), quantizers(folder)
    plain = tensorflow.keras.models.load_model(export(cli, folder, "keras-h5", "m.h5"), compile=False)
    failures = difference("keras-h5 in Keras 2", plain.predict(x, verbose=0), predict(cli, folder, MODEL))
    wanted = predict(cli, folder, MODEL, *options, "--mode", "fake")
    quantized = load_qmodel(str(export(cli, folder, "qkeras-h5", "q.h5", *options)), compile=False)
    failures += difference("qkeras-h5 in QKeras", quantized.predict(x, verbose=0), wanted, share=0.98)
    bare = quantized_model_from_json(export(cli, folder, "qkeras-json", "q.json", *options).read_text())
    bare.set_weights(quantized.get_weights())
    return failures + difference("qkeras-json in QKeras", bare.predict(x, verbose=0), wanted, share=0.98)
