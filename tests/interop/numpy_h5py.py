# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays, models and projects, read by numpy and h5py."""
from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from .support import DATA, MODEL, predict, call

PACKAGES = ["h5py"]


def run(cli: str, folder: Path) -> list[str]:
    failures = []
    y = predict(cli, folder, MODEL)
    if y.dtype != np.float32 or not np.allclose(y.sum(axis=1), 1, atol=1e-5):
        failures.append("probabilities do not sum to 1")
    call(cli, "train", MODEL, "--data", DATA, "--limit", 128, "--epochs", 1, "--output", folder / "trained.h5")
    with h5py.File(folder / "trained.h5") as file:
        names = [n.decode() if isinstance(n, bytes) else n for n in file["model_weights"].attrs["layer_names"]]
        config = json.loads(file.attrs["model_config"])
        if not {l["config"]["name"] for l in config["config"]["layers"]} >= set(names):
            failures.append(f"layers of trained.h5: {names}")
    call(cli, "search", MODEL, "--data", DATA, "--limit", 256, "--goal", "bits", "--trials", 2, "--project", folder / "p.bitscape")
    with h5py.File(folder / "p.bitscape") as file:
        if int(file.attrs["format_version"]) < 1 or not {"model", "studies"} <= set(file):
            failures.append(f"groups of the project: {sorted(file)}")
    return failures
