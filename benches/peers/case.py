"""A case as `bench-circuit write` gives it: its numbers, start weights and patterns. What the peers have in common."""

import json
import pathlib

import numpy


class Case:
    """Numbers as attributes; `weights` is a dict of lists of float32 arrays (post, pre), keyed as in checkpoints."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.__dict__.update(json.loads((folder / "case.json").read_text()))
        n, values = self.sizes, numpy.fromfile(folder / "start.f32", "<f4")
        self.depth = len(n) - 1
        hidden = range(1, self.depth)
        biases = self.bias_rate != 0
        shapes = {
            "Wpp": [(n[k], n[k - 1]) for k in range(1, self.depth + 1)],
            "bpp": [(n[k],) for k in range(1, self.depth + 1)] if biases else [],
            "Wpb": [(n[k], n[k + 1]) for k in hidden],
            "Wip": [(n[k + 1], n[k]) for k in hidden],
            "bip": [(n[k + 1],) for k in hidden] if biases else [],
            "Wpi": [(n[k], n[k + 1]) for k in hidden],
        }
        at = 0

        def take(shape):
            nonlocal at
            start, at = at, at + int(numpy.prod(shape))
            return values[start:at].reshape(shape).copy()

        self.weights = {kind: [take(shape) for shape in list_] for kind, list_ in shapes.items()}
        self.input = take((self.patterns, self.batch, n[0]))
        self.target = take((self.patterns, self.batch, n[-1]))
        # Learning rate of each kind, per layer; a bias learns as its matrix does.
        rates = {"Wpp": self.eta_pp, "Wpb": self.eta_pb, "Wip": self.eta_ip, "Wpi": self.eta_pi}
        self.rates = {**rates, "bpp": self.eta_pp if biases else [], "bip": self.eta_ip if biases else []}

    def zeros(self):
        """Zeros in the shape of the weights."""
        return {kind: [numpy.zeros_like(w) for w in list_] for kind, list_ in self.weights.items()}


def flat(*parts):
    """Dicts of lists, lists and arrays as one float32 vector."""
    values = []
    for part in parts:
        if isinstance(part, dict):
            part = [w for list_ in part.values() for w in list_]
        values += [numpy.asarray(x, numpy.float32).ravel() for x in part]
    return numpy.concatenate(values)
