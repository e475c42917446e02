"""A classifier in scikit-learn's manner. Needs ``scikit-learn``.

>>> from apical.scikit_learn import MicrocircuitClassifier
>>> from sklearn.datasets import load_iris
>>> x, y = load_iris(return_X_y=True)
>>> MicrocircuitClassifier(random_state=0).fit(x, y).score(x, y) > 0.8
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _check
from ._circuit import Circuit

#: Mixing factors of Sacramento et al. 2018's MNIST.
_MIXING = {"output": 0.1, "interneuron": 0.1, "hidden": 0.3}


class MicrocircuitClassifier(ClassifierMixin, BaseEstimator):
    """A dendritic cortical microcircuit that learns classes, by the two-step solver of Sacramento et al. 2018.

    Features are scaled to [0, 1] by what was fitted; the output cell of the class is nudged to the rate ``high``, the others
    to ``low``. The defaults are those of the preset ``digits``; other data want others.

    Parameters
    ----------
    hidden
        Cells per hidden layer.
    epochs
        Passes over the samples, in an order that ``random_state`` draws.
    batch
        Samples shown side by side, at most as many as there are.
    eta_pp, eta_ip
        Rates of the forward weights, one for all layers or one each (None: 5 into hidden layers, 0.5 into the output), and of
        the weights onto the interneurons, which should be ten times the output's.
    feedback
        Bound a of the fixed feedback weights, U(-a, a).
    low, high
        Target rates.
    random_state
        An integer, a ``RandomState`` or None.

    Attributes
    ----------
    classes_, n_features_in_
        As everywhere in scikit-learn.
    circuit_
        The trained :class:`apical.Circuit`.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (32,),
        *,
        epochs: int = 50,
        batch: int = 10,
        eta_pp: float | Sequence[float] | None = None,
        eta_ip: float | Sequence[float] = 5.0,
        feedback: float = 5.0,
        low: float = 0.1,
        high: float = 0.8,
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch = batch
        self.eta_pp = eta_pp
        self.eta_ip = eta_ip
        self.feedback = feedback
        self.low = low
        self.high = high
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> MicrocircuitClassifier:
        """Learns from samples (n, features) and their classes (n,)."""
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence | np.ndarray):
            raise _check.refused("hidden", self.hidden, "cells per hidden layer, as in (32,)")
        if len(self.hidden) == 0:
            raise _check.refused("hidden", self.hidden, "at least one hidden layer: without any there is no microcircuit")
        for name in ("low", "high"):
            if not 0 < _check.positive(getattr(self, name), name) < 1:
                raise _check.refused(name, getattr(self, name), "a rate between 0 and 1")
        for name in ("epochs", "batch"):
            _check.integer(getattr(self, name), name, 1)
        x, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=1)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        draws = check_random_state(self.random_state)
        self.low_ = x.min(axis=0)
        with np.errstate(over="ignore"):
            span = x.max(axis=0) - self.low_
        if not np.isfinite(span).all():
            raise ValueError("X: features that span more than a number holds; allowed: spans up to 1.8e308")
        self.span_ = np.where(span > 0, span, 1.0)
        batch = min(self.batch, len(x))
        eta_pp = [5.0] * len(self.hidden) + [0.5] if self.eta_pp is None else self.eta_pp
        self.circuit_ = Circuit(
            [x.shape[1], *self.hidden, len(self.classes_)],
            seed=int(draws.randint(2**31 - 1)),
            solver={"kind": "two-step", "attenuation": "none", "mixing": _MIXING},
            plasticity={"eta_pp": eta_pp, "eta_ip": self.eta_ip},
            network={"bias_rate": 1.0, "start": self._start()},
            batch=batch,
            precision="f64",
        )
        rates = np.where(np.arange(len(self.classes_)) == labels[:, None], self.high, self.low)
        targets = np.log(rates / (1.0 - rates))
        inputs = self._scaled(x)
        for _ in range(self.epochs):
            order = draws.permutation(len(x))
            # The last minibatch is filled up with the first samples of the epoch.
            order = np.resize(order, -(-len(x) // batch) * batch).reshape(-1, batch)
            self.circuit_.simulate(inputs[order], targets[order])
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Potentials of the output cells (n, classes); of two classes their difference (n,)."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        potentials = self.circuit_.answer(self._scaled(x))
        if len(self.classes_) == 2:
            return np.asarray(potentials[:, 1] - potentials[:, 0])
        return potentials

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class whose output cell is largest, (n,)."""
        potentials = self.decision_function(X)
        chosen = (potentials > 0).astype(int) if potentials.ndim == 1 else potentials.argmax(axis=1)
        return np.asarray(self.classes_[chosen])

    def _scaled(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled: NDArray[np.float64] = (x - self.low_) / self.span_
        return scaled

    def _start(self) -> dict[str, Any]:
        start: dict[str, Any] = {"pp": "fan-in", "bpp": 0.1, "pb": self.feedback}
        return {**start, "ip": "self-predicting", "pi": "self-predicting"}
