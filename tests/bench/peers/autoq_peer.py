# SPDX-License-Identifier: GPL-3.0-or-later
"""Times a search of AutoQKeras.

Usage: python autoq_peer.py notebook|example-cnn [--trials N] [--epochs E] [--images N] [--threads T]
                            [--export DIR]

notebook: two convolutions of 2 and 3 filters on 7x7 pixels, quantizers of 4, 8 and 16 bits, 5 trials of
one epoch. example-cnn: QKeras' convolutions of 32, 64 and 64 filters on 28x28 pixels, AutoQKeras' own
quantizers, 10 trials of 3 epochs. Images: the first N of Fashion-MNIST, a quarter of them to validate.

Prints one JSON line: {"name": ..., "seconds": ..., "import_seconds": ..., "cpu_seconds": ...}; the last is
the processor time of the search, of which the import is no part. --export also writes model.h5, data.npz and autoq.json, with which
`bitscape-cli search` runs the same search. Needs qkeras, tensorflow and keras-tuner (PyPI), and Debian's
package dataset-fashion-mnist; Bitscape does not.
"""

import argparse
import contextlib
import gzip
import json
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # all of qkeras' dependencies take the same Keras

_started = time.perf_counter()

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
import tf_keras.src.layers.serialization as keras_layers  # noqa: E402
import qkeras  # noqa: E402
from qkeras.autoqkeras import AutoQKeras  # noqa: E402

IMPORT_SECONDS = time.perf_counter() - _started

FOLDER = pathlib.Path("/usr/share/datasets/fashion-mnist")
BATCH = 64


def keep_old_configurations():
    """model_quantize() of qkeras 0.9 edits the class names of layers only, which Keras' configurations
    since 2.13 do not survive: both ways go through the older form."""
    deserialize = keras_layers.deserialize
    keras_layers.deserialize = lambda config, custom_objects=None, use_legacy_format=False: deserialize(
        config, custom_objects, use_legacy_format=True
    )
    tf_keras.Model.use_legacy_config = True
    layers = {name: value for name, value in vars(qkeras).items() if isinstance(value, type)}
    tf_keras.utils.get_custom_objects().update(layers)


def images(count, block):
    """(count, 28/block, 28/block, 1) in 0 ... 1, means of blocks, and their classes."""
    with gzip.open(FOLDER / "train-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:count]
    with gzip.open(FOLDER / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)[:count].astype(np.int64)
    side = 28 // block
    means = pixels.reshape(count, side, block, side, block).mean(axis=(2, 4))
    return (means / 255.0).astype(np.float32)[..., np.newaxis], labels


def notebook():
    """An activation of its own in front of every layer with a kernel, as qkeras-mod's recipe has it."""
    layers = tf_keras.layers
    model = tf_keras.Sequential(name="notebook")
    model.add(layers.Activation("sigmoid", name="act_0", input_shape=(7, 7, 1)))
    for i, filters in enumerate((2, 3)):
        model.add(layers.Conv2D(filters, 3, name=f"conv2d_{i}"))
        model.add(layers.BatchNormalization(name=f"bn_{i}"))
        model.add(layers.ReLU(name=f"relu_{i}"))
        model.add(layers.Activation("sigmoid", name=f"act_{i + 1}"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(10, name="dense"))
    model.add(layers.Activation("sigmoid", name="act_3"))
    model.add(layers.Activation("softmax", name="softmax"))
    weight = {f"quantized_bits({bits},0,1,alpha='auto')": bits for bits in (4, 8, 16)}
    plain = {f"quantized_bits({bits},0,1)": bits for bits in (4, 8, 16)}
    config = {
        "quantization_config": {
            "kernel": weight,
            "bias": {"quantized_bits(16,7,1)": 16, "quantized_bits(31,15,1)": 31},
            "activation": plain,
            "linear": plain,
        },
        "limit": {"Dense": [16, 31, 16], "Conv2D": [16, 31, 16], "Activation": [16]},
        "goal": {
            "type": "bits",
            "params": {
                "delta_p": 5.0,
                "delta_n": 5.0,
                "rate": 2.0,
                "stress": 1.0,
                "input_bits": 16,
                "output_bits": 8,
                "ref_bits": 16,
                "config": {"default": ["parameters", "activations"]},
            },
        },
    }
    return model, config, 4


def example_cnn():
    layers = tf_keras.layers
    model = tf_keras.Sequential(name="example_cnn")
    for i, filters in enumerate((32, 64, 64)):
        shape = {"input_shape": (28, 28, 1)} if i == 0 else {}
        model.add(layers.Conv2D(filters, 3, strides=2, name=f"conv2d_{i}", **shape))
        model.add(layers.Activation("relu", name=f"act_{i}"))
    model.add(layers.Flatten(name="flatten"))
    model.add(layers.Dense(10, name="dense"))
    model.add(layers.Activation("softmax", name="softmax"))
    config = {
        "limit": {"Dense": [8, 8, 8], "Conv2D": [8, 8, 8], "Activation": [8]},
        "goal": {
            "type": "bits",
            "params": {
                "delta_p": 8.0,
                "delta_n": 8.0,
                "rate": 2.0,
                "stress": 1.0,
                "input_bits": 8,
                "output_bits": 8,
                "ref_bits": 8,
                "config": {"default": ["parameters", "activations"]},
            },
        },
    }
    return model, config, 1


WORKS = {
    "notebook": (notebook, {"trials": 5, "epochs": 1}),
    "example-cnn": (example_cnn, {"trials": 10, "epochs": 3}),
}


def export(folder, model, config, x, y):
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.h5", include_optimizer=False)
    np.savez(folder / "data.npz", x=x, y=y)
    (folder / "autoq.json").write_text(json.dumps(config, indent=1), encoding="utf-8")


def search(model, config, x, y, trials, epochs):
    """Wall and processor time of the whole search, the building of its models included."""
    held = len(x) // 4
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        start = time.perf_counter(), time.process_time()
        tuner = AutoQKeras(
            model,
            metrics=["acc"],
            output_dir=os.path.join(folder, "result"),
            mode="random",
            seed=42,
            max_trials=trials,
            tune_filters="none",
            tune_filters_exceptions="^none$",
            **config,
        )
        tuner.fit(
            x[:-held],
            y[:-held],
            validation_data=(x[-held:], y[-held:]),
            epochs=epochs,
            batch_size=BATCH,
            verbose=0,
        )
        return time.perf_counter() - start[0], time.process_time() - start[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=sorted(WORKS))
    parser.add_argument("--trials", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", type=pathlib.Path)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    keep_old_configurations()
    make, defaults = WORKS[options.work]
    model, config, block = make()
    model.compile(
        optimizer=tf_keras.optimizers.legacy.Adam(0.001),  # qkeras shares it between trials
        loss="sparse_categorical_crossentropy",
        metrics=["acc"],
    )
    x, y = images(options.images, block)
    if options.export:
        export(options.export, model, config, x, y)
    trials = options.trials or defaults["trials"]
    epochs = options.epochs or defaults["epochs"]
    seconds, cpu_seconds = search(model, config, x, y, trials, epochs)
    print(
        json.dumps(
            {
                "name": options.work,
                "seconds": round(seconds, 3),
                "import_seconds": round(IMPORT_SECONDS, 3),
                "cpu_seconds": round(cpu_seconds, 3),
                "trials": trials,
                "epochs": epochs,
                "images": len(x),
            }
        )
    )


if __name__ == "__main__":
    main()
