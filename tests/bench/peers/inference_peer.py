# SPDX-License-Identifier: GPL-3.0-or-later
"""Times a network in ONNX Runtime (.onnx) or LiteRT (.tflite).

    inference_peer.py FILE --batch N --threads N [--seconds S]

Prints one JSON line: {"name", "batch", "threads", "seconds"}: the median of one call.
"""
import argparse
import json
import statistics
import time

import numpy as np


def onnx_runtime(path, batch, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    one = session.get_inputs()[0]
    x = np.random.default_rng(1).random((batch, *one.shape[1:]), dtype=np.float32)
    return lambda: session.run(None, {one.name: x})


def litert(path, batch, threads):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path, num_threads=threads)
    one = interpreter.get_input_details()[0]
    shape = (batch, *one["shape"][1:])
    interpreter.resize_tensor_input(one["index"], shape)
    interpreter.allocate_tensors()
    rng = np.random.default_rng(1)
    if one["dtype"] == np.int8:
        x = rng.integers(-128, 128, shape).astype(np.int8)
    else:
        x = rng.random(shape, dtype=np.float32)
    out = interpreter.get_output_details()[0]["index"]

    def call():
        interpreter.set_tensor(one["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(out)

    return call


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    make = onnx_runtime if arguments.file.endswith(".onnx") else litert
    call = make(arguments.file, arguments.batch, arguments.threads)
    for _ in range(3):
        call()
    times = []
    end = time.perf_counter() + arguments.seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    print(json.dumps({"name": arguments.file, "batch": arguments.batch, "threads": arguments.threads,
                      "seconds": statistics.median(times)}))


main()
