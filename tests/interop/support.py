# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share: the command line, sample networks, comparison."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

MODEL = DATA = "sample:digits"
TOLERANCE = 1e-5  # of the range of the outputs
QUANTIZED = {
    "QConv2D": {"kernel_quantizer": "quantized_bits(6,0,1,alpha=1.0)", "bias_quantizer": "quantized_bits(8,2,1,alpha=1.0)"},
    "QDense": {"kernel_quantizer": "quantized_bits(6,1,1,alpha='auto_po2')", "bias_quantizer": "quantized_bits(8,2,1)"},
    "QActivation": {"relu": "quantized_relu(6,3)"}, "@fold_batchnorm": True, "@input": "quantized_bits(8,0,1,alpha=1.0)"}


def call(cli: str, *arguments: object) -> dict[str, Any]:
    done = subprocess.run([cli, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def quantizers(folder: Path) -> list[object]:
    (folder / "map.json").write_text(json.dumps(QUANTIZED))
    return ["--map", folder / "map.json"]


def predict(cli: str, folder: Path, model: object, *options: object, limit: int = 64) -> np.ndarray:
    call(cli, "predict", model, "--data", DATA, "--limit", limit, "--output", folder / "y.npy", *options)
    return np.load(folder / "y.npy")


def samples(cli: str, folder: Path, limit: int = 64) -> np.ndarray:
    """The data as the network gets them: the output of its input layer."""
    name = call(cli, "inspect", MODEL)["layers"][0]["name"]
    call(cli, "predict", MODEL, "--data", DATA, "--limit", limit, "--output", folder / "x.npz", "--tap", name)
    with np.load(folder / "x.npz") as archive:
        return archive[name]


def export(cli: str, folder: Path, form: str, name: str, *options: object, model: object = MODEL) -> Path:
    call(cli, "export", model, "--format", form, "--output", folder / name, *options)
    return folder / name


def difference(what: str, got: np.ndarray, wanted: np.ndarray, share: float = 1.0) -> list[str]:
    """Failures unless `share` of the samples agree within the tolerance."""
    if got.shape != wanted.shape:
        return [f"{what}: shape {got.shape}, wanted {wanted.shape}"]
    apart = np.abs(got - wanted).reshape(len(wanted), -1).max(axis=1) > TOLERANCE * np.ptp(wanted)
    if apart.mean() > 1 - share:
        return [f"{what}: {apart.sum()} of {len(apart)} samples differ, by up to {np.abs(got - wanted).max():.3g}"]
    return []
