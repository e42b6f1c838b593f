# SPDX-License-Identifier: GPL-3.0-or-later
"""TFLite against LiteRT: what is exported loads there and gives, code for code, the numbers of the integer mode."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

PACKAGES = ["ai-edge-litert"]
KERNELS = {"reference": OpResolverType.BUILTIN_REF, "optimised": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, "xnnpack": OpResolverType.BUILTIN}
SAMPLES = 40


def call(cli: str, *arguments: object) -> dict:
    done = subprocess.run([cli, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments[:2]))}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def litert_codes(model: Path, values: np.ndarray, kernels: str) -> tuple[np.ndarray, float, int]:
    """Output codes of every sample, scale and zero point of the output."""
    interpreter = Interpreter(str(model), experimental_op_resolver_type=KERNELS[kernels], num_threads=1)
    interpreter.allocate_tensors()
    into, outof = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = into["quantization"]
    codes = np.clip(np.rint(values / np.float32(scale)) + zero, -128, 127).astype(np.int8)
    found = []
    for sample in codes:
        interpreter.set_tensor(into["index"], sample.reshape(into["shape"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(outof["index"])[0].copy())
    return np.array(found), *outof["quantization"]


def judge(cli: str, folder: Path, kernels: str) -> str | None:
    model = folder / "digits.tflite"
    shape = [size or SAMPLES for size in call(cli, "inspect", model)["inputs"][0]["shape"]]
    values = np.random.default_rng(7).random(shape).astype(np.float32)
    np.save(folder / "x.npy", values)
    call(cli, "predict", model, "--data", folder / "x.npy", "--mode", "integer", "--tflite-rounding", kernels, "--output", folder / "y.npy")
    wanted, scale, zero = litert_codes(model, values, kernels)
    got = np.rint(np.load(folder / "y.npy").astype(np.float64) / scale) + zero
    differ = int(np.sum(got.reshape(wanted.shape) != wanted))
    return f"{kernels}: {differ} of {wanted.size} output codes differ from LiteRT's" if differ else None


def run(cli: str, folder: Path) -> list[str]:
    """What failed, one sentence each."""
    try:
        call(cli, "calibrate", "sample:digits", "--data", "sample:digits", "--scheme", "affine", "--per-channel", "--fold-batchnorm", "--output", folder / "digits.bitscape")
        call(cli, "export", folder / "digits.bitscape", "--format", "tflite-int8", "--output", folder / "digits.tflite")
        return [failure for kernels in KERNELS if (failure := judge(cli, folder, kernels))]
    except (RuntimeError, ValueError) as failure:
        return [str(failure)]
