"""PyTorch: the feed-forward function of a circuit or a run as a module, and back. Needs ``torch``.

Without a target a settled circuit is a feed-forward net, u_k = c_k (W_k r_{k-1} + beta_b b_k), r_k = phi(u_k), with c_k the
attenuation by the conductances (1 for learners without it): that is the module.

>>> import apical
>>> from apical.pytorch import FeedForward
>>> net = FeedForward.of(apical.Circuit([3, 4, 2], precision="f64"))
>>> net(torch.zeros(5, 3, dtype=torch.float64)).shape
torch.Size([5, 2])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from . import _check
from ._circuit import Circuit
from ._engine import InputError
from ._run import Run

_PHI = {
    "logistic": torch.sigmoid,
    # gamma log(1 + exp(beta (u - theta))) with gamma = 0.1, beta = 1, theta = 3.
    "soft_relu": lambda u: 0.1 * torch.nn.functional.softplus(u - 3.0),
    "softplus": torch.nn.functional.softplus,
    "tanh": torch.tanh,
    "hard_sigmoid": lambda u: torch.clamp(u, 0.0, 1.0),
    "hard_tanh": lambda u: torch.clamp(u, -1.0, 1.0),
    "relu": torch.relu,
    "leaky_relu": lambda u: torch.nn.functional.leaky_relu(u, 0.01),
    "gelu": torch.nn.functional.gelu,
    "identity": lambda u: u,
}


class FeedForward(torch.nn.Module):
    """Potentials u_N of the output for input rates (samples, n_0).

    Parameters are called as everywhere: ``Wpp.k`` is ``self.Wpp[k - 1]``, (post, pre), and ``bpp.k`` is ``self.bpp[k - 1]``.
    """

    def __init__(
        self, weights: Mapping[str, Any], activation: str, factors: Sequence[float], bias_rate: float = 0.0
    ) -> None:
        super().__init__()
        if activation not in _PHI:
            raise InputError(f"activation: {activation!r}; allowed: {', '.join(_PHI)}")
        if not isinstance(factors, Sequence) or len(factors) == 0:
            raise _check.refused("factors", factors, "a number for each layer of weights")
        self.activation = activation
        self.factors = [_check.positive(factor, "factors") for factor in factors]
        weights = _check.mapping(weights, "weights")
        if missing := [name for k in range(1, len(factors) + 1) if (name := f"Wpp.{k}") not in weights]:
            raise InputError(f"weights: no {missing[0]!r} among them; allowed: Wpp.1 to Wpp.{len(factors)}, one for each factor")
        self.bias_rate = bias_rate

        def parameters(stem: str) -> torch.nn.ParameterList:
            found = [weights[f"{stem}.{k}"] for k in range(1, len(factors) + 1) if f"{stem}.{k}" in weights]
            return torch.nn.ParameterList(torch.nn.Parameter(torch.tensor(np.array(w))) for w in found)

        self.Wpp = parameters("Wpp")
        self.bpp = parameters("bpp")

    @classmethod
    def of(cls, source: Circuit | Run) -> FeedForward:
        """The function of a circuit's present weights, or of a run's best checkpoint.

        Of a circuit it is what settles without a target once interneurons predict the cells above
        (:meth:`apical.Circuit.self_predicting`); before that their apical error adds to it.
        """
        if isinstance(source, Circuit):
            activation, bias_rate, factors = source._config.function
            return cls(source.weights, activation, factors, bias_rate)
        if not isinstance(source, Run):
            raise _check.refused("source", source, "a Circuit or a Run")
        from ._experiment import Experiment

        text = _check.text(source.path / "config.resolved.toml")
        activation, bias_rate, factors = Experiment("run", "run", text, source.path)._config.function
        return cls(source.weights, activation, factors, bias_rate)

    def forward(self, rates: torch.Tensor) -> torch.Tensor:
        phi = _PHI[self.activation]
        for k, (weights, factor) in enumerate(zip(self.Wpp, self.factors, strict=True)):
            potentials = torch.nn.functional.linear(rates, weights)
            if len(self.bpp):
                potentials = potentials + self.bias_rate * self.bpp[k].squeeze(1)
            potentials = factor * potentials
            rates = phi(potentials)
        return potentials

    def weights(self) -> dict[str, torch.Tensor]:
        """The parameters by the circuit's names: ``circuit.weights.update(net.weights())`` takes them back."""
        found = {f"Wpp.{k}": w.detach() for k, w in enumerate(self.Wpp, 1)}
        found |= {f"bpp.{k}": b.detach() for k, b in enumerate(self.bpp, 1)}
        return found
