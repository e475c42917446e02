"""Time per sample of backpropagation, ours beside PyTorch's: same nets, start weights, samples and machine noise.

usage: python bp_torch.py BENCH_BP       (`cargo xtask bench-peers` makes the environment and calls it)

First both make one SGD step from the same weights with the same batch, and must end at the same weights. Then they
take turns, round by round, so that what else the machine does slows both. Prints a table in Markdown.
"""

import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

CASES = [("784-128-128-128-10", "gelu", "adamw", 1e-3), ("784-500-500-10", "logistic", "sgd", 0.01)]
BATCHES = [10, 128]
SAMPLES = 1280
PASSES = 4  # over the samples, in one turn
ROUNDS = 9
TOLERANCE = 1e-5
ACTIVATIONS = {"gelu": torch.nn.GELU, "logistic": torch.nn.Sigmoid}
# Fused: the fastest that PyTorch has. Its AdamW decays biases as well, ours does not; the work is the same.
OPTIMISERS = {
    "sgd": lambda p, rate: torch.optim.SGD(p, lr=rate, fused=True),
    "adamw": lambda p, rate: torch.optim.AdamW(p, lr=rate, weight_decay=0.01, fused=True),
}


def net(sizes, activation):
    """Linear layers, the activation between them; the output is linear."""
    layers = []
    for below, above in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(below, above), ACTIVATIONS[activation]()]
    return torch.nn.Sequential(*layers[:-1])


def flat(model):
    """W_1, b_1, W_2, .. as one array."""
    return numpy.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def load(model, values):
    """Sets the weights that `flat` gave."""
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(values[: p.numel()].copy()).view_as(p))
            values = values[p.numel() :]


def learn(model, optimiser, x, y, batch, steps):
    """Steps on half the squared error, summed over the outputs and averaged over the batch; microseconds per sample."""
    batches = list(zip(x.split(batch), y.split(batch)))[: len(x) // batch]
    began = time.perf_counter()
    for step in range(steps):
        inputs, targets = batches[step % len(batches)]
        optimiser.zero_grad()
        (0.5 * (model(inputs) - targets).square().sum() / batch).backward()
        optimiser.step()
    return (time.perf_counter() - began) * 1e6 / (steps * batch)


def ours(bench, case, optimiser, rate, batch, steps, *files):
    """The same by bench-bp."""
    words = [bench, *case, optimiser, rate, batch, steps, *files]
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    return float(subprocess.run([str(w) for w in words], env=environment, check=True, stdout=subprocess.PIPE).stdout)


def check(bench, folder, case, model, start, x, y, batch):
    """The largest difference between the two after one step, and how far that step went."""
    load(model, start)
    learn(model, OPTIMISERS["sgd"](model.parameters(), 0.1), x, y, batch, 1)
    ours(bench, case, "sgd", 0.1, batch, 1, folder / "start.f32", folder / "end.f32")
    end = numpy.fromfile(folder / "end.f32", "<f4")
    return numpy.abs(end - flat(model)).max(), numpy.abs(end - start).max()


def main(bench):
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    rows, checks = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for sizes, activation, optimiser, rate in CASES:
            case, widths = (sizes, activation), [int(n) for n in sizes.split("-")]
            model = net(widths, activation)
            start, x = flat(model), torch.rand(SAMPLES, widths[0])
            y = torch.nn.functional.one_hot(torch.randint(widths[-1], (SAMPLES,)), widths[-1]).float()
            numpy.concatenate([start, x.numpy().ravel(), y.numpy().ravel()]).astype("<f4").tofile(folder / "start.f32")
            for batch in BATCHES:
                checks.append(check(bench, folder, case, model, start, x, y, batch))
                steps = PASSES * (SAMPLES // batch)
                pairs = []
                for turn in range(ROUNDS + 1):
                    load(model, start)
                    our = ours(bench, case, optimiser, rate, batch, steps, folder / "start.f32")
                    their = learn(model, OPTIMISERS[optimiser](model.parameters(), rate), x, y, batch, steps)
                    if turn > 0:  # the first warms up
                        pairs.append((our, their))
                our, their = (statistics.median(column) for column in zip(*pairs))
                ratio = statistics.median(a / b for a, b in pairs)
                rows.append(f"| {sizes} {activation}, {optimiser} | {batch} | {our:.1f} | {their:.1f} | {ratio:.2f} |")
    difference, change = max(d for d, _ in checks), min(c for _, c in checks)
    print(f"PyTorch {torch.__version__}, {platform.machine()}, f32, one thread each; medians of {ROUNDS} rounds.\n")
    print("| net, optimiser | batch | ours, us per sample | PyTorch, us per sample | ours / PyTorch |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    print(f"\nCross-check: in each case one SGD step from the same weights moves some weight by {change:.0g} or more;")
    print(f"afterwards ours and PyTorch's differ by at most {difference:.0g} ({TOLERANCE:.0e} is allowed).")
    if not difference <= TOLERANCE < change:
        sys.exit("bp_torch: the two do not compute the same; the times mean nothing")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
