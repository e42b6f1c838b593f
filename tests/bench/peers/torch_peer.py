# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps of PyTorch in float, for the networks of app/cli/bench/networks.cpp.

    python torch_peer.py NETWORK [--batch N] [--steps N] [--threads N]

Prints one line of JSON like training_peer.py. Images lie channels last, where PyTorch's convolutions
are faster.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

BATCHES = {"example-cnn": 64, "resnet8": 64, "ds-cnn": 64, "jet-mlp": 1024, "notebook": 64}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=BATCHES)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def normalized(*layers, channels):
    return [*layers, nn.BatchNorm2d(channels), nn.ReLU()]


class Block(nn.Module):
    """Two 3×3 convolutions beside a short cut, which is one of 1×1 where sizes change."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        first = nn.Conv2d(channels, filters, 3, stride, padding=1)
        second = nn.Conv2d(filters, filters, 3, padding=1)
        self.way = nn.Sequential(
            *normalized(first, channels=filters), second, nn.BatchNorm2d(filters)
        )
        self.short = nn.Identity() if stride == 1 else nn.Conv2d(channels, filters, 1, stride)

    def forward(self, x):
        return torch.relu(self.short(x) + self.way(x))


def example_cnn():
    layers = []
    for channels, filters, kernel in ((1, 32, 3), (32, 64, 3), (64, 64, 2)):
        layers += [nn.Conv2d(channels, filters, kernel, 2), nn.ReLU()]
    return (1, 28, 28), 10, nn.Sequential(*layers, nn.Flatten(), nn.Linear(576, 10))


def resnet8():
    first = normalized(nn.Conv2d(3, 16, 3, padding=1), channels=16)
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
    end = [nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10)]
    return (3, 32, 32), 10, nn.Sequential(*first, *blocks, *end)


def ds_cnn():
    pad = nn.ZeroPad2d((1, 1, 4, 5))
    layers = [pad, *normalized(nn.Conv2d(1, 64, (10, 4), 2), channels=64), nn.Dropout(0.2)]
    for _ in range(4):
        layers += normalized(nn.Conv2d(64, 64, 3, padding=1, groups=64), channels=64)
        layers += normalized(nn.Conv2d(64, 64, 1), channels=64)
    layers += [nn.Dropout(0.4), nn.AvgPool2d((25, 5)), nn.Flatten(), nn.Linear(64, 12)]
    return (1, 49, 10), 12, nn.Sequential(*layers)


def jet_mlp():
    layers = []
    for inputs, units in ((16, 64), (64, 32), (32, 32)):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
    return (16,), 5, nn.Sequential(*layers, nn.Linear(32, 5))


def notebook():
    layers = []
    for channels, filters in ((1, 2), (2, 3)):
        layers += [nn.Conv2d(channels, filters, 3), nn.ReLU()]
    return (1, 7, 7), 10, nn.Sequential(*layers, nn.Flatten(), nn.Linear(27, 10))


NETWORKS = {
    "example-cnn": example_cnn,
    "resnet8": resnet8,
    "ds-cnn": ds_cnn,
    "jet-mlp": jet_mlp,
    "notebook": notebook,
}


def main():
    options = arguments()
    batch = options.batch or BATCHES[options.network]
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    shape, classes, model = NETWORKS[options.network]()
    model.train()
    batches = []
    for _ in range(4):
        x = torch.rand(batch, *shape)
        if len(shape) == 3:
            x = x.contiguous(memory_format=torch.channels_last)
        batches.append((x, torch.randint(classes, (batch,))))
    if len(shape) == 3:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    loss_of = nn.CrossEntropyLoss()

    def step(x, labels):
        optimizer.zero_grad()
        logits = model(x)
        loss = loss_of(logits, labels)
        loss.backward()
        optimizer.step()
        return loss.item(), (logits.argmax(1) == labels).float().mean().item()

    started = time.perf_counter()
    step(*batches[0])
    first = time.perf_counter() - started
    step(*batches[1])
    wall, processor = [], []
    for number in range(options.steps):
        before, used = time.perf_counter(), time.process_time()
        step(*batches[number % len(batches)])
        wall.append(time.perf_counter() - before)
        processor.append(time.process_time() - used)
    print(
        json.dumps(
            {
                "name": options.network,
                "batch": batch,
                "peer": "PyTorch",
                "threads": options.threads,
                "step_ms": 1000 * statistics.median(wall),
                "step_cpu_ms": 1000 * statistics.median(processor),
                "first_step_s": first,
            }
        )
    )


if __name__ == "__main__":
    main()
