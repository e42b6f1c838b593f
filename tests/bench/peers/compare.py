# SPDX-License-Identifier: GPL-3.0-or-later
"""Bitscape and its peers side by side: compare.py CLI PEERS [--only REGEX] [--rounds N] [--json FILE]

CLI is bitscape-cli, PEERS the folder with the environments that `./dev bench --peers` sets up. Both sides
run the same networks in turn, each round once; a figure is the median of the rounds, a ratio is taken
round by round. The networks come from `bitscape-cli bench --networks`.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEPS = {"example-cnn": (64, 5), "resnet8": (64, 2.5), "ds-cnn": (64, 5), "jet-mlp": (1024, 15), "notebook": (64, 30)}
TINY = ("resnet8", "ds-cnn", "mobilenet", "fc-ae")


@dataclass
class Row:
    """One line: ours is a work of `bench`, peers are commands of which the fastest counts."""

    title: str
    ours: list
    peers: dict
    wanted: float
    threads: int


class Machine:
    def __init__(self, cli, peers, networks):
        self.cli, self.peers, self.networks = cli, Path(peers), Path(networks)

    def python(self, environment, script, *arguments):
        return [str(self.peers / environment / "bin/python"), str(HERE / script), *map(str, arguments)]

    def file(self, name):
        return str(self.networks / name)

    def bench(self, work, threads, *model):
        return [self.cli, "bench", *model, "--only", f"^{re.escape(work)}$", "--threads", str(threads), "--json"]


def seconds_of(command):
    """Seconds in the last JSON line that a command prints; None (and its words on stderr) if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        print(f"failed: {' '.join(command)}\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    answer = json.loads(lines[-1])
    if "figures" in answer:
        return answer["figures"][-1]["seconds"]  # the one with all threads comes last
    if "timing" in answer:
        return answer["timing"]["total_s"]
    return answer["seconds"] if "seconds" in answer else answer["step_ms"] / 1000


def rows(machine, threads):
    for name, (batch, wanted) in STEPS.items():
        qkeras = machine.python("qkeras", "training_peer.py", name, "--batch", batch, "--threads", threads, "--fit")
        yield Row(f"step {name}, 4 bit, batch {batch}", machine.bench(f"step/{name}/4bit", threads),
                  {"QKeras": qkeras}, wanted, threads)
    torch = machine.python("torch", "torch_peer.py", "example-cnn", "--batch", 64, "--threads", threads)
    yield Row("step example-cnn, 4 bit, batch 64", machine.bench("step/example-cnn/4bit", threads),
              {"PyTorch float": torch}, 3, threads)
    for count in sorted({1, threads}):
        for name in TINY:
            for batch in (1, 32, 256):
                size = ("--batch", batch, "--threads", count)
                yield Row(f"infer {name}, float, batch {batch}", machine.bench(f"infer/{name}/float/{batch}", count),
                          {"ONNX Runtime": machine.python("runtimes", "inference_peer.py", machine.file(f"{name}.onnx"), *size),
                           "LiteRT": machine.python("runtimes", "inference_peer.py", machine.file(f"{name}-float.tflite"), *size)},
                          0.9, count)
        for name in TINY:
            for batch in (1, 256):
                model = machine.file(f"{name}-int8.tflite")
                yield Row(f"infer {name}, int8, batch {batch}",
                          machine.bench(f"infer/{name}-int8/integer/{batch}", count, model, "--mode", "integer"),
                          {"LiteRT": machine.python("runtimes", "inference_peer.py", model, "--batch", batch, "--threads", count)},
                          0.8, count)
    for name in ("resnet8", "ds-cnn", "example-cnn"):
        yield Row(f"predict {name}, 4 bit, 256 images", machine.bench(f"infer/{name}/4bit/256", threads),
                  {"QKeras": machine.python("qkeras", "qkeras_peer.py", "predict", machine.file(f"{name}-4bit.h5"), "--threads", threads)},
                  8, threads)
    for title, work, peer, file, wanted in (
            ("one layer's bits changed, 500 images", "what-if/resnet8", "what-if", "resnet8-4bit.h5", 50),
            ("QTools map and energy, resnet8", "qtools/resnet8", "qtools", "resnet8-4bit.h5", 200),
            ("open resnet8.h5", "open/resnet8.h5", "load", "resnet8.h5", 50),
            ("start of the command line", "start/version", "import", "", 1)):
        yield Row(title, machine.bench(work, threads),
                  {"QKeras": machine.python("qkeras", "qkeras_peer.py", peer, machine.file(file), "--threads", threads)}, wanted, threads)
    for name, trials, epochs, wanted in (("notebook", 5, 1, 25), ("example-cnn", 10, 3, 8)):
        folder = machine.networks / f"search-{name}"  # the peer writes model, data and configuration there
        ours = [machine.cli, "search", folder / "model.h5", "--data", folder / "data.npz", "--config", folder / "autoq.json",
                "--tuner", "random", "--trials", trials, "--epochs", epochs, "--batch", 64, "--validation", 0.25,
                "--threads", threads, "--json"]
        peer = machine.python("qkeras", "autoq_peer.py", name, "--trials", trials, "--epochs", epochs,
                              "--threads", threads, "--export", folder)
        yield Row(f"AutoQ search, {name}", list(map(str, ours)), {"AutoQKeras": peer}, wanted, threads)


def measure(row, rounds):
    """Median seconds of both sides and of their ratio; None where a side failed."""
    ours, theirs, ratios, best = [], [], [], "none"
    for _ in range(rounds):
        others = {name: seconds_of(command) for name, command in row.peers.items()}
        one = seconds_of(row.ours)
        others = {name: value for name, value in others.items() if value is not None}
        if one is None or not others:
            return None
        best = min(others, key=others.get)
        ours.append(one)
        theirs.append(others[best])
        ratios.append(others[best] / one)
    return {"title": row.title, "threads": row.threads, "peer": best, "seconds": statistics.median(ours),
            "peer_seconds": statistics.median(theirs), "ratio": statistics.median(ratios), "wanted": row.wanted}


def time_text(seconds):
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cli")
    parser.add_argument("peers")
    parser.add_argument("--only", default="", help="rows whose title matches this regular expression")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write the figures into this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([arguments.cli, "bench", "--networks", folder], check=True, stdout=subprocess.DEVNULL)
        machine = Machine(arguments.cli, arguments.peers, folder)
        subprocess.run(machine.python("qkeras", "convert_peer.py", folder), check=True, capture_output=True)
        print(f"{'Work':44} {'Threads':>7} {'Bitscape':>10} {'Peer':>10}  {'':14} {'Ratio':>7} {'Wanted':>7}")
        figures = []
        for row in rows(machine, arguments.threads):
            if not re.search(arguments.only, row.title):
                continue
            figure = measure(row, arguments.rounds)
            if figure is None:
                print(f"{row.title:44} {row.threads:7} could not be measured", flush=True)
                continue
            figures.append(figure)
            short = "" if figure["ratio"] >= figure["wanted"] else "  short"
            print(f"{figure['title']:44} {figure['threads']:7} {time_text(figure['seconds']):>10} {time_text(figure['peer_seconds']):>10}"
                  f"  {figure['peer']:14} {figure['ratio']:7.2f} {figure['wanted']:7.2f}{short}", flush=True)
    inference = [f["ratio"] for f in figures if f["title"].startswith("infer") and "float" in f["title"]]
    if inference:
        print(f"Float inference, geometric mean of the ratios: {statistics.geometric_mean(inference):.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures, indent=1) + "\n")


main()
