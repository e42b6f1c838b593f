# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Bitscape writes with programs that know nothing of it: numpy and h5py.

Usage: interop.py BITSCAPE_CLI. Ends with status 1 at the first difference.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np


def run(cli: str, *arguments: object) -> dict:
    done = subprocess.run([cli, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main() -> None:
    cli = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data = "sample:digits", "sample:digits"

        predicted = run(cli, "predict", model, "--data", data, "--limit", 64, "--output", folder / "y.npy")
        y = np.load(folder / "y.npy")
        assert y.dtype == np.float32 and y.shape[0] == 64, (y.dtype, y.shape)
        assert list(y.shape[1:]) == [d for d in predicted["outputs"][0]["shape"] if d is not None][-1:], predicted["outputs"]
        assert np.allclose(y.sum(axis=1), 1, atol=1e-5), "probabilities do not sum to 1"

        run(cli, "predict", model, "--data", data, "--limit", 8, "--output", folder / "taps.npz", "--tap",
            run(cli, "inspect", model)["layers"][1]["name"])
        with np.load(folder / "taps.npz") as archive:
            assert len(archive.files) == 2, archive.files

        run(cli, "train", model, "--data", data, "--limit", 128, "--epochs", 1, "--output", folder / "trained.h5")
        with h5py.File(folder / "trained.h5") as file:
            names = [n.decode() if isinstance(n, bytes) else n for n in file["model_weights"].attrs["layer_names"]]
            config = json.loads(file.attrs["model_config"])
            assert {l["config"]["name"] for l in config["config"]["layers"]} >= set(names), names

        run(cli, "search", model, "--data", data, "--limit", 256, "--goal", "bits", "--trials", 2, "--project", folder / "p.bitscape")
        with h5py.File(folder / "p.bitscape") as file:
            assert int(file.attrs["format_version"]) >= 1
            assert {"model", "studies"} <= set(file), sorted(file)
    print("numpy and h5py read everything alike")


if __name__ == "__main__":
    main()
