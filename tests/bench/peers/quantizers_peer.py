# SPDX-License-Identifier: GPL-3.0-or-later
"""Times QKeras' quantizers, compiled by tf.function, on one thread.

Usage: python quantizers_peer.py [--values N] [--seconds S]

Prints one JSON line per quantizer: {"name": ..., "ms": ..., "values": ...}; ms is the least processor
time of a call. Needs qkeras and tensorflow (PyPI); Bitscape does not.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

import qkeras  # noqa: E402

KERNEL = (3, 3, 64, 64)

# name, constructor, whether it is timed on a kernel or on many values
WORKS = [
    ("quantized_bits(4,0,1)", lambda: qkeras.quantized_bits(4, 0, 1), False),
    ("quantized_relu(4,0)", lambda: qkeras.quantized_relu(4, 0), False),
    ("quantized_po2(4)", lambda: qkeras.quantized_po2(4), False),
    ("quantized_bits(4,0,1,alpha='auto')", lambda: qkeras.quantized_bits(4, 0, 1, alpha="auto"), True),
    ("quantized_bits(4,0,1,alpha='auto_po2')", lambda: qkeras.quantized_bits(4, 0, 1, alpha="auto_po2"), True),
    ("ternary(alpha='auto')", lambda: qkeras.ternary(alpha="auto"), True),
    ("ternary(alpha='auto_po2')", lambda: qkeras.ternary(alpha="auto_po2"), True),
    ("binary(alpha='auto')", lambda: qkeras.binary(alpha="auto"), True),
    ("binary(alpha='auto_po2')", lambda: qkeras.binary(alpha="auto_po2"), True),
]


def least_milliseconds(call, seconds):
    """The first two calls trace and warm up."""
    for _ in range(2):
        call()
    best = float("inf")
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < 5 or time.perf_counter() < end:
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
        rounds += 1
    return best * 1000.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=10_000_000, help="length of the long tensor")
    parser.add_argument("--seconds", type=float, default=1.0, help="time spent on each quantizer")
    options = parser.parse_args()
    random = np.random.default_rng(1)
    shapes = {False: (options.values,), True: KERNEL}
    tensors = {
        isKernel: tf.constant(random.normal(0.0, 0.6, shape).astype(np.float32))
        for isKernel, shape in shapes.items()
    }
    for name, make, is_kernel in WORKS:
        values = tensors[is_kernel]
        compiled = tf.function(make())
        milliseconds = least_milliseconds(lambda: compiled(values).numpy(), options.seconds)
        print(json.dumps({"name": name, "ms": round(milliseconds, 4), "values": int(tf.size(values))}), flush=True)


if __name__ == "__main__":
    main()
