# SPDX-License-Identifier: GPL-3.0-or-later
"""keras and keras-h5 in Keras 3."""
from __future__ import annotations

import os
from pathlib import Path

from .support import MODEL, difference, export, predict, samples

PACKAGES = ["keras", "jax"]


def run(cli: str, folder: Path) -> list[str]:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    x, wanted = samples(cli, folder), predict(cli, folder, MODEL)
    failures = []
    for form, name in (("keras", "m.keras"), ("keras-h5", "m.h5")):
        model = keras.saving.load_model(export(cli, folder, form, name), compile=False)
        failures += difference(f"{form} in Keras {keras.__version__}", model.predict(x, verbose=0), wanted)
    return failures
