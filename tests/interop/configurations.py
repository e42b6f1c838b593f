# SPDX-License-Identifier: GPL-3.0-or-later
"""hls4ml in its own parser, zigzag against its rules, scalesim and the maps as plain files."""
from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import yaml

from .support import MODEL, export, predict, quantizers

PACKAGES = ["hls4ml", "pyyaml"]

# ZigZag's rules for a workload, in its own words of 2024.
EQUATION = re.compile(r"^O(\[\w+\])+\+?=\w(\[\w+\])+[*+]\w(\[(?:\w+)?\])+$")
RELATION = re.compile(r"^(\w+)\s*=\s*(?:(\w+)\s*\*\s*)?(\w+)\s*\+\s*(?:(\w+)\s*\*\s*)?(\w+)$")
OPERATORS = {"Conv", "Pooling", "Add"}


def judge_hls4ml(path: Path) -> list[str]:
    from hls4ml.backends.fpga.fpga_types import APTypeConverter  # noqa: F401  (the package is whole)
    from hls4ml.model.types import FixedPrecisionType, NamedType
    from hls4ml.utils.fixed_point_utils import FixedPointEmulator  # noqa: F401
    from hls4ml.backends import get_backend  # noqa: F401
    from hls4ml.utils.config import create_config  # noqa: F401
    from hls4ml.backends.fpga.fpga_backend import FPGABackend
    layers = yaml.safe_load(path.read_text())["HLSConfig"]["LayerName"]
    failures = []
    for name, layer in layers.items():
        for part, text in layer["Precision"].items():
            if text == "auto":
                continue
            precision = FPGABackend.convert_precision_string(text)
            if not isinstance(precision, FixedPrecisionType) or NamedType("t", precision).precision.width < 1:
                failures.append(f"hls4ml: {name}/{part} is {text}")
    return failures


def judge_zigzag(path: Path) -> list[str]:
    failures = []
    for layer in yaml.safe_load(path.read_text()):
        sound = (layer["operator_type"] in OPERATORS and EQUATION.match(layer["equation"]) and len(layer["loop_dims"]) == len(layer["loop_sizes"])
                 and all(RELATION.match(r) for r in layer.get("dimension_relations", [])) and {"O", "O_final", "I", "W"} <= set(layer["operand_precision"]))
        if not sound:
            failures.append(f"zigzag: {layer}")
    return failures


def run(cli: str, folder: Path) -> list[str]:
    options = quantizers(folder)
    failures = judge_hls4ml(export(cli, folder, "hls4ml", "hls4ml.yml", *options))
    failures += judge_zigzag(export(cli, folder, "zigzag", "workload.yaml", *options))
    rows = list(csv.reader(open(export(cli, folder, "scalesim", "topology.csv"))))
    if any(int(row[1]) < int(row[3]) or int(row[2]) < int(row[4]) for row in rows[1:]):
        failures.append("scalesim: a filter is larger than its input")
    encodings = export(cli, folder, "aimet-encodings", "e.encodings", *options)
    json.loads(encodings.read_text())
    for name in ("hls4ml.yml", "e.encodings"):  # what was written is a map again
        predict(cli, folder, MODEL, "--map", folder / name, "--mode", "fake", limit=4)
    return failures
