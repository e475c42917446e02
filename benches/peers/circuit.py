"""Time per step of circuits, ours beside numba, JAX and numpy: same work, start weights, patterns and machine noise.

usage: python circuit.py BENCH_CIRCUIT [--only NAME...] [--rounds N] [--threads 1,2] [--markdown FILE]
(`cargo xtask bench-peers` makes the environment and calls it)

First each shows the same patterns without noise from the same weights, and must end with the same Delta and somas. Then
they take turns, round by round, so that what else the machine does slows all. Prints a table in Markdown; exits with 1
if somebody disagrees.
"""

import argparse
import importlib.metadata
import json
import os
import signal
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).parent
PEERS = {"numba": "numba_loop", "JAX": "jax_scan", "numpy": "numpy_blas"}
# Case: its peers, presentations of a check, presentations of a turn.
CASES = {
    "30-20-10": (["numba", "JAX", "numpy"], 3, 100),
    "4-120-3": (["numba", "JAX", "numpy"], 3, 100),
    "784-500-500-10": (["JAX", "numpy"], 1, 2),
    "784-500-500-10-b100": (["JAX", "numpy"], 1, 1),
    "two-step": (["JAX", "numpy"], 3, 200),
}
TOLERANCE = 1e-4


def environment(threads):
    """For one thread or several. JAX has no switch for the number, so affinity bounds it (see `pin`)."""
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"]
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return {**os.environ, **{name: str(threads) for name in names}, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def pin(threads):
    """Everybody works on the same cores, the last ones."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Contender:
    """A program that is told what to do, line by line."""

    def __init__(self, command, threads):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(threads), preexec_fn=lambda: pin(threads), cwd=HERE,
        )
        self.greeting = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"circuit: {self.process.args} ended with {self.process.wait()}")
        return line.strip()

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def rest(self, signal_name="SIGSTOP"):
        """Stands still until `wake`: threads that still spin when their turn is over would take the next one's cores."""
        if hasattr(signal, signal_name):
            self.process.send_signal(getattr(signal, signal_name))

    def wake(self):
        self.rest("SIGCONT")

    def close(self):
        self.wake()
        self.process.stdin.close()
        self.process.wait()


def difference(ours, theirs, start):
    """Largest relative distance of the parts: weights by how far they moved, and all that follows them."""
    if len(ours) != len(theirs) or not numpy.isfinite(theirs).all():
        return float("inf")
    n = len(start)
    parts = [(ours[n:], theirs[n:])] if len(ours) > n else [(ours - start, theirs - start)]
    return max(numpy.linalg.norm(a - b) / numpy.linalg.norm(a) for a, b in parts)


def row(bench, folder, name, threads, rounds):
    """Seconds per step and pattern of each contender, round by round, and the worst disagreement."""
    peers, check, turn = CASES[name]
    subprocess.run([bench, "write", name, folder], check=True)
    case = json.loads((folder / "case.json").read_text())
    contenders = {"ours": Contender([bench, "serve", name, "--threads", threads], threads)}
    for peer in peers:
        contenders[peer] = Contender([sys.executable, HERE / "worker.py", PEERS[peer], folder], threads)
    weights = sum(a * b for a, b in zip(case["sizes"], case["sizes"][1:]))
    weights += 3 * sum(a * b for a, b in zip(case["sizes"][1:], case["sizes"][2:]))
    if case["bias_rate"]:
        weights += sum(case["sizes"][1:]) + sum(case["sizes"][2:])
    ends = {}
    for who, contender in contenders.items():
        contender.ask("check", check, folder / "end.f32")
        ends[who] = numpy.fromfile(folder / "end.f32", "<f4")
    start = numpy.fromfile(folder / "start.f32", "<f4")[:weights]
    worst = {who: difference(ends["ours"], end, start) for who, end in ends.items() if who != "ours"}
    times = {who: [] for who in contenders}
    for contender in contenders.values():
        contender.rest()
    for _ in range(rounds):
        for who, contender in contenders.items():
            # The slowest needs no more of them to measure as well.
            presentations = -(-turn // 10) if who == "numpy" else turn
            steps = presentations * case["steps"] * case["batch"]
            contender.wake()
            times[who].append(float(contender.ask("time", presentations)) * 1e6 / steps)
            contender.rest()
    plan = contenders["ours"].greeting.removeprefix("ready ")
    for contender in contenders.values():
        contender.close()
    return times, worst, plan


def digits(x):
    """Three digits, no exponent."""
    return f"{x:.0f}" if x >= 100 else f"{x:.3g}"


def spread(values):
    return f"{digits(statistics.median(values))} ({digits(min(values))} to {digits(max(values))})"


def load():
    return " ".join(f"{x:.1f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2])
    parser.add_argument("--markdown", type=pathlib.Path)
    args = parser.parse_args()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("jax", "numba", "numpy"))
    lines = [
        f"{versions}; f32; medians of {args.rounds} rounds (smallest to largest); ratios are medians of each round's.",
        f"Load of the machine before: {load()}",
        "",
        "| work | threads | our plan | ours, us | peer | peer, us | peer / ours | disagreement |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    print("\n".join(lines), flush=True)
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        for case in args.only:
            for threads in args.threads:
                times, worst, plan = row(args.bench, pathlib.Path(name), case, threads, args.rounds)
                ours = times.pop("ours")
                for who, theirs in times.items():
                    ratio = spread([b / a for a, b in zip(ours, theirs)])
                    cells = [case, threads, plan, spread(ours), who, spread(theirs), ratio, f"{worst[who]:.0e}"]
                    lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
                    print(lines[-1], flush=True)
                    if not worst[who] <= TOLERANCE:
                        wrong.append(f"{case}: {who} and ours differ by {worst[who]:.1e}, {TOLERANCE:.0e} is allowed")
    lines += ["", f"Load of the machine after: {load()}"]
    print("\n".join(lines[-2:]))
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n")
    if wrong:
        sys.exit("\n".join(["circuit: not everybody computes the same; the times mean nothing", *wrong]))


if __name__ == "__main__":
    main()
