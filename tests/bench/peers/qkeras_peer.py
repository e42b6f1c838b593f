# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user of QKeras waits for besides training; one JSON line {"name", "seconds"} each.

    qkeras_peer.py predict FILE-4bit.h5 [--batch N] [--threads N]   a batch through the quantized network
    qkeras_peer.py what-if FILE-4bit.h5 [--threads N]   one layer's bits changed: network built anew,
                                                        weights set, 500 images evaluated
    qkeras_peer.py qtools FILE-4bit.h5             QTools' map and energy
    qkeras_peer.py load FILE.h5                    Keras' load_model
    qkeras_peer.py import                          import qkeras (the whole process)
"""
import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def median_of(body, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def predict(arguments):
    import numpy as np
    import tensorflow as tf
    from qkeras.utils import load_qmodel

    model = load_qmodel(arguments.file, compile=False)
    x = np.random.default_rng(1).random((arguments.batch, *model.input_shape[1:]), dtype=np.float32)
    if arguments.compiled:
        x = tf.constant(x)
        compiled = tf.function(lambda x: model(x, training=False))
        call = lambda: compiled(x).numpy()
    else:
        call = lambda: model.predict(x, verbose=0)
    call()
    return median_of(call, 20)


def what_if(arguments):
    import numpy as np
    from qkeras import quantized_bits
    from qkeras.utils import load_qmodel

    bits = iter([3, 5, 6])

    def change():
        model = load_qmodel(arguments.file, compile=False)
        layers = [layer for layer in model.layers if layer.__class__.__name__ == "QConv2D"]
        layers[len(layers) // 2].kernel_quantizer_internal = quantized_bits(next(bits), 0, 1, alpha="auto_po2")
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        x = np.random.default_rng(1).random((500, *model.input_shape[1:]), dtype=np.float32)
        model.evaluate(x, np.arange(500) % model.output_shape[-1], batch_size=100, verbose=0)

    return median_of(change, 3)


def qtools(arguments):
    from qkeras.qtools import run_qtools
    from qkeras.qtools import settings as qtools_settings
    from qkeras.utils import load_qmodel
    from qkeras import quantizers

    model = load_qmodel(arguments.file, compile=False)

    def run():
        q = run_qtools.QTools(model, process="horowitz", source_quantizers=[quantizers.quantized_bits(8, 0, 1)],
                              is_inference=False, weights_path=None, keras_quantizer="fp32",
                              keras_accumulator="fp32", for_reference=False)
        energy = q.pe(weights_on_memory="sram", activations_on_memory="sram", min_sram_size=8 * 16 * 1024 * 1024,
                      rd_wr_on_io=False)
        q.extract_energy_sum(qtools_settings.cfg.include_energy, energy)

    with contextlib.redirect_stdout(io.StringIO()):
        return median_of(run, 3)


def load(arguments):
    import tensorflow as tf

    return median_of(lambda: tf.keras.models.load_model(arguments.file, compile=False), 5)


def import_(_arguments):
    return median_of(lambda: subprocess.run([sys.executable, "-c", "import qkeras"], check=True,
                                            stderr=subprocess.DEVNULL), 3)


WORKS = {"predict": predict, "what-if": what_if, "qtools": qtools, "load": load, "import": import_}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--compiled", action="store_true", help="predict by a tf.function instead of predict()")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.work != "import":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
        tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    print(json.dumps({"name": arguments.work, "seconds": WORKS[arguments.work](arguments)}))


main()
