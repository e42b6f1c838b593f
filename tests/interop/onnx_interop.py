# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX between Bitscape and the programs that read and write it: onnxruntime and qonnx from PyPI.

Out: what `export` writes is loaded and run by ONNX Runtime (onnx, onnx-qdq) and by qonnx' own
executor (qonnx); the numbers are those of `predict`. In: a network that onnxruntime.quantization
makes of ours is predicted with the numbers that ONNX Runtime computes.
"""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

PACKAGES = ["onnx", "onnxruntime", "qonnx"]
FLOAT_TOLERANCE = 1e-5  # of the range of the output
STEP_TOLERANCE = 0.02   # share of samples where a sum near a tie may fall on the other code
MAP = {"re:.*conv.*": {"kernel_quantizer": "quantized_bits(6,0,1,alpha=1.0)",
                       "bias_quantizer": "quantized_bits(8,2,1,alpha=1.0)"},
       "re:.*dense.*": {"kernel_quantizer": "quantized_bits(4,0,1,alpha='auto_po2')"},
       "QActivation": {"relu": "quantized_relu(8,3)"},
       "@input": "quantized_bits(8,0,1,alpha=1.0)"}


def bitscape(cli: str, *arguments: object) -> dict:
    done = subprocess.run([cli, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def predict(cli: str, folder: Path, model: object, x: np.ndarray, *options: object) -> np.ndarray:
    np.savez(folder / "x.npz", x=x)
    bitscape(cli, "predict", model, "--data", folder / "x.npz", "--output", folder / "y.npy", *options)
    return np.load(folder / "y.npy")


def wrong_samples(got: np.ndarray, wanted: np.ndarray) -> float:
    """Share of samples that differ by more than float rounding."""
    scale = float(wanted.max() - wanted.min()) or 1.0
    difference = np.abs(got.reshape(wanted.shape) - wanted).reshape(len(wanted), -1).max(axis=1)
    return float((difference > FLOAT_TOLERANCE * scale).mean())


def onnxruntime_predictions(path: Path, x: np.ndarray) -> np.ndarray:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Its own optimizations turn pairs of Quantize and Dequantize into integer arithmetic.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def qonnx_predictions(path: Path, x: np.ndarray) -> np.ndarray:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    results = []
    for sample in x:
        model = ModelWrapper(str(path))
        name = model.graph.input[0].name
        model.set_tensor_shape(name, [1, *sample.shape])
        model = model.transform(InferShapes())
        results.append(execute_onnx(model, {name: sample[None]})[model.graph.output[0].name])
    return np.concatenate(results)


def check_exports(cli: str, folder: Path, failures: list[str]) -> None:
    model = "sample:digits"
    shape = [size for size in bitscape(cli, "inspect", model)["inputs"][0]["shape"] if size is not None]
    x = np.random.default_rng(0).uniform(0, 1, (32, *shape)).astype(np.float32)
    (folder / "map.json").write_text(json.dumps(MAP))
    quantized = ("--map", folder / "map.json")
    for form, runner, options in (("onnx", onnxruntime_predictions, ()), ("onnx-qdq", onnxruntime_predictions, quantized),
                                  ("qonnx", qonnx_predictions, quantized)):
        path = folder / f"{form}.onnx"
        bitscape(cli, "export", model, *options, "--format", form, "--output", path)
        wanted = predict(cli, folder, model, x, *options)
        share = wrong_samples(runner(path, x), wanted)
        if share > (STEP_TOLERANCE if options else 0.0):
            failures.append(f"{form}: {share:.1%} of the samples differ between {runner.__name__} and predict")
        share = wrong_samples(predict(cli, folder, path, x), wanted)
        if share > (STEP_TOLERANCE if options else 0.0):
            failures.append(f"{form}: {share:.1%} of the samples differ when the file is read again")


def check_quantized_by_onnxruntime(cli: str, folder: Path, failures: list[str]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    source = folder / "float.onnx"
    bitscape(cli, "export", "sample:digits", "--format", "onnx", "--output", source)
    shape = [size for size in bitscape(cli, "inspect", source)["inputs"][0]["shape"] if size is not None]
    name = bitscape(cli, "inspect", source)["inputs"][0]["name"]
    x = np.random.default_rng(1).uniform(0, 1, (16, *shape)).astype(np.float32)

    class Samples(CalibrationDataReader):
        def __init__(self) -> None:
            self.samples = iter([{name: sample[None]} for sample in x])

        def get_next(self) -> dict | None:
            return next(self.samples, None)

    path = folder / "quantized.onnx"
    quantize_static(str(source), str(path), Samples(), quant_format=QuantFormat.QDQ, per_channel=True,
                    weight_type=QuantType.QInt8)
    share = wrong_samples(predict(cli, folder, path, x), onnxruntime_predictions(path, x))
    if share > STEP_TOLERANCE:
        failures.append(f"quantized by onnxruntime: {share:.1%} of the samples differ from ONNX Runtime's")


def run(cli: str, folder: Path) -> list[str]:
    """What differs, one sentence each; nothing: all is well."""
    failures: list[str] = []
    for check in (check_exports, check_quantized_by_onnxruntime):
        try:
            check(cli, folder, failures)
        except Exception as error:  # a tool that fails is a finding, too
            failures.append(f"{check.__name__}: {error}")
    return failures
