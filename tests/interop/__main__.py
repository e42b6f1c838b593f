# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: python3 -m tests.interop BITSCAPE_CLI [MODULE]…

Makes an environment under build/interop for each module, with the tools that it names in PACKAGES, and runs it there. A module is a
file beside this one with `PACKAGES` and `run(cli, folder) -> list of failures`. Ends with status 1 if anything failed.
"""
from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / "build" / "interop"


def modules() -> list[str]:
    return sorted(p.stem for p in HERE.glob("*.py") if p.stem not in ("__init__", "__main__", "support"))


def packages(name: str) -> list[str]:
    """PACKAGES of a module, without importing what it needs."""
    for node in ast.parse((HERE / f"{name}.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PACKAGES":
            return ast.literal_eval(node.value)
    return []


def environment(name: str) -> Path:
    """The interpreter of the module's environment, made anew when its packages change."""
    folder = ENVIRONMENTS / name
    wanted = "\n".join(["numpy", *packages(name)])
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *wanted.split("\n")], check=True)
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def run_one(cli: str, name: str) -> int:
    """Inside the environment."""
    with tempfile.TemporaryDirectory() as folder:
        failures = importlib.import_module(f"tests.interop.{name}").run(cli, Path(folder))
    for failure in failures:
        print(f"  {failure}")
    return 1 if failures else 0


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        return run_one(sys.argv[2], sys.argv[3])
    cli = str(Path(sys.argv[1]).resolve())
    failed = []
    for name in sys.argv[2:] or modules():
        print(f"{name} …", flush=True)
        done = subprocess.run([environment(name), "-m", "tests.interop", "--inside", cli, name], cwd=HERE.parent.parent, check=False)
        if done.returncode != 0:
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "every tool reads what it is given")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
