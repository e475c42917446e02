"""What Python adds to the engine: time beside the command's, cost of a call, memory, and whether threads run side by side.

python benches/python.py BINARY        BINARY: `apical`, of the same build profile as the installed package

Prints a line per measurement, and the machine's load beside it: on a busy machine the figures say little.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import apical

SIZES = [30, 20, 10]
RATES = {"eta_pp": [0.001, 0.0005], "eta_ip": 0.001, "eta_pi": 0.0005}
PRESENTATIONS = 1000
ROUNDS = 5


def told(what: str, value: str) -> None:
    print(f"{what}: {value} (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)", flush=True)


def circuit() -> apical.Circuit:
    return apical.Circuit(SIZES, seed=1, plasticity=RATES)


def beside_the_command(binary: str, folder: Path) -> None:
    """1e6 steps of the same samples: training time of the command by its run.json, and of one call here."""
    x = np.random.default_rng(0).random((PRESENTATIONS, SIZES[0]), dtype=np.float32)
    y = np.zeros((PRESENTATIONS, SIZES[-1]), np.float32)
    np.savez(folder / "data.npz", x=x, y=y)
    tables = {
        "network": {"sizes": SIZES},
        "seed": 1,
        "plasticity": RATES,
        "task": {
            "kind": "file", "path": "data.npz", "targets": "potentials", "sequence": True,
            "split": {"by": "tail", "validation": 0.0, "test": 0.0},
        },
        "record": {"figures": False},
    }
    from apical import _toml

    (folder / "bench.toml").write_text(_toml.document(tables))
    theirs, ours = [], []
    for round_ in range(ROUNDS):
        out = folder / str(round_)
        subprocess.run(
            [binary, "run", str(folder / "bench.toml"), "--threads", "1", "--quiet", "--out", str(out)],
            check=True, capture_output=True, cwd=folder,
        )
        (run,) = out.iterdir()
        theirs.append(json.loads((run / "run.json").read_text())["cost"]["training_seconds"])
        one = circuit()
        begun = time.perf_counter()
        one.simulate(x, y)
        ours.append(time.perf_counter() - begun)
    last = apical.Run(run).checkpoint("last")
    assert all((one.weights[name] == last[name]).all() for name in one.weights), "not the same work"
    ratio = statistics.median(ours) / statistics.median(theirs)
    told("1e6 steps in one call", f"{min(ours):.3f} s, the command {min(theirs):.3f} s; ratio of medians {ratio:.3f}")


def per_call() -> None:
    x = np.random.default_rng(0).random(SIZES[0], dtype=np.float32)
    one = circuit()
    calls = 20_000
    one.step(x)
    begun = time.perf_counter()
    for _ in range(calls):
        one.step(x)
    each = (time.perf_counter() - begun) / calls
    begun = time.perf_counter()
    one.step(x, n=calls)
    inside = (time.perf_counter() - begun) / calls
    told("a step by a call of its own", f"{1e6 * each:.1f} us, of which the step {1e6 * inside:.2f} us")


def memory() -> None:
    x = np.random.default_rng(0).random(SIZES[0], dtype=np.float32)
    one = circuit()
    for _ in range(1000):
        one.step(x)
    before = resident()
    for _ in range(100_000):
        one.step(x)
    told("memory after 1e5 calls", f"{(resident() - before) / 1024:+.0f} KiB of {before / 2**20:.0f} MiB")


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def side_by_side() -> None:
    x = np.random.default_rng(0).random((PRESENTATIONS // 2, SIZES[0]), dtype=np.float32)

    def work() -> None:
        circuit().simulate(x)

    def timed(count: int) -> float:
        threads = [threading.Thread(target=work) for _ in range(count)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begun

    gains = [2 * timed(1) / timed(2) for _ in range(ROUNDS)]
    told("two threads do the work of one", f"{max(gains):.2f} times (median {statistics.median(gains):.2f})")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"apical {apical.__version__}, numpy {np.__version__}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        beside_the_command(os.path.abspath(sys.argv[1]), Path(name))
    per_call()
    memory()
    side_by_side()
