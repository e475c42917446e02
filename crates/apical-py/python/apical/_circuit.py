"""Circuits to play with: weights as arrays, patterns in, potentials out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _check, _engine, _toml
from ._arrays import numbers, shaped
from ._engine import InputError
from ._recorded import dataset
from ._weights import Weights

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = (
    "soma",
    "inter",
    "basal",
    "apical",
    "apical_feedback",
    "apical_lateral",
    "inter_dendrite",
    "rate",
    "input",
    "target",
)


class ConfigWarning(UserWarning):
    """A config that will probably not do what was hoped; the text is the command's."""


class Circuit:
    """A dendritic cortical microcircuit: layers of pyramidal cells with interneurons, at rest, with weights drawn by ``seed``.

    Parameters
    ----------
    sizes
        Cells per layer, input first.
    activation
        phi, from soma potential to firing rate (``apical explain network.activation`` lists them).
    conductances
        Conductances in 1/ms by their names (``g_A``, ``g_som_output``, ...), or ``from_mixing``.
    seed
        Seed of start weights and noise.
    solver
        A name (``"euler"``, ``"adaptive"``, ``"steady"``, ``"two-step"``), or the table of the config.
    time, plasticity, network
        Further keys of the config's tables: ``time={"presentation": 50}``, ``plasticity={"eta_pp": 0.001}``,
        ``network={"sigma": 0.1, "start": {"pb": "transpose"}}``.
    batch
        Patterns shown side by side; each has potentials of its own, and updates are their mean.
    precision
        ``"f32"`` or ``"f64"``.
    threads
        Threads that share the work of one presentation, all cores if None; the results do not depend on it.

    Raises
    ------
    InputError
        With all that is wrong with the parameters, in the words of the command.

    Examples
    --------
    >>> import apical
    >>> circuit = apical.Circuit([3, 4, 2], seed=1)
    >>> circuit.self_predicting()
    >>> circuit.present([0.2, 0.5, 0.9], ms=50).shape
    (2,)

    Notes
    -----
    Sacramento, Costa, Bengio & Senn, NeurIPS 2018. Defaults of all tables are those of experiments.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "logistic",
        conductances: Mapping[str, Any] | None = None,
        seed: int = 0,
        *,
        solver: str | Mapping[str, Any] = "euler",
        time: Mapping[str, Any] | None = None,
        plasticity: Mapping[str, Any] | None = None,
        network: Mapping[str, Any] | None = None,
        batch: int = 1,
        precision: str = "f32",
        threads: int | None = 1,
    ) -> None:
        tables = {
            name: _check.mapping({} if given is None else given, name)
            for name, given in (("time", time), ("plasticity", plasticity), ("conductances", conductances), ("network", network))
        }
        if not isinstance(sizes, Sequence | np.ndarray) or isinstance(sizes, str | bytes) or np.ndim(sizes) != 1:
            raise _check.refused("sizes", sizes, "cells per layer, as in [30, 20, 10]")
        if twice := [key for key in ("sizes", "activation") if key in (network or {})]:
            raise InputError(f"network: {twice[0]!r} among its keys; allowed: as an argument of its own, {twice[0]}=")
        solver = {"kind": solver} if isinstance(solver, str) else _check.mapping(solver, "solver")
        whole: dict[str, Any] = {
            "seed": seed,
            "precision": precision,
            "network": {"sizes": list(sizes), "activation": activation, **tables["network"]},
            "time": tables["time"],
            "plasticity": tables["plasticity"],
            "solver": solver,
            "task": {"kind": "patterns"},
            "train": {"batch": batch},
        }
        if tables["conductances"]:
            whole["conductances"] = tables["conductances"]
        self._open({"text": _toml.document(whole), "tables": whole, "threads": _check.threads(threads)})
        for line in self._config.warnings:
            if plasticity is None and "no rule is plastic" in line:
                continue
            warnings.warn(line, ConfigWarning, stacklevel=2)

    def _open(self, made_of: dict[str, Any]) -> None:
        self._made_of = made_of
        self._configs: dict[tuple[str, ...], _engine.Config] = {}
        self._config = self._changed()
        self._core = _engine.Core(self._config, made_of["threads"])
        self._dtype = np.dtype(np.float32 if self._config.precision == "f32" else np.float64)
        self._weights = Weights(self._core, self._dtype)

    def _changed(self, *changes: str) -> _engine.Config:
        found = self._configs.get(changes)
        if found is None:
            if len(self._configs) > 64:
                self._configs.clear()
            found = _engine.Config("circuit", "circuit", self._made_of["text"], ".", list(changes))
            self._configs[changes] = found
        return found

    @property
    def sizes(self) -> list[int]:
        """Cells per layer, input first."""
        return self._config.sizes

    @property
    def config(self) -> str:
        """The circuit's config with nothing left open, as TOML."""
        return self._config.resolved

    @property
    def weights(self) -> Weights:
        """The weights by name; assign to set them."""
        return self._weights

    @weights.setter
    def weights(self, given: Mapping[str, ArrayLike]) -> None:
        self._weights.update(given)

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """What the circuit goes on with beside its weights, as copies by the names of checkpoints: ``soma.1``, ``inter.1``,
        ``trace.input`` (samples, cells), ``delta.Wpp.1`` and so on. Assign to set all of it."""
        return self._core.state()

    @state.setter
    def state(self, given: Mapping[str, ArrayLike]) -> None:
        own = self._core.state()
        if unknown := [name for name in _check.mapping(given, "state") if name not in own]:
            raise _check.refused("state", unknown[0], ", ".join(own))
        ready = {name: numbers(values, self._dtype, name) for name, values in given.items()}
        self._core.set_state(ready)

    @property
    def time_ms(self) -> float:
        """Simulated time since the circuit began."""
        return self._core.clock * self._config.step_ms

    def self_predicting(self) -> None:
        """Sets the interneurons' synapses so that they predict the cells above them, and the apical potential vanishes
        without a target (Sacramento et al. 2018, section 2.3)."""
        self._core.self_predicting()

    def present(
        self, pattern: ArrayLike, target: ArrayLike | None = None, ms: float | None = None, plastic: bool = True
    ) -> NDArray[Any]:
        """Shows one pattern and goes on from where the circuit is.

        Parameters
        ----------
        pattern
            Input rates, (n_0,); with a batch (batch, n_0).
        target
            Target potentials of the output, (n_N,) or (batch, n_N); None: nothing nudges.
        ms
            How long; None: the config's ``time.presentation``. A multiple of dt.
        plastic
            Whether the rules act, each at its rate of ``plasticity`` (all 0 unless set).

        Returns
        -------
        What the output's basal dendrites predict at the end, (n_N,) or (batch, n_N): the answer that a nudge does not
        flatter. NaN for a sample without a fixed point.

        Raises
        ------
        InputError
            Shapes, types or numbers that cannot be.
        ScienceError
            Potentials that diverge; the weights are then of no use.
        KeyboardInterrupt
            On Ctrl-C; the circuit is then as before this presentation.
        """
        lead = self._lead(pattern)
        return self._shown(pattern, target, lead, self._timed(ms), plastic, recorded=False)[0]

    def step(
        self, pattern: ArrayLike, target: ArrayLike | None = None, n: int = 1, plastic: bool = True
    ) -> NDArray[Any]:
        """``n`` steps of dt: as :meth:`present`, but without what happens at a pattern switch (lag, reset, window). With a
        solver that makes no steps it is ``n`` presentations."""
        n = _check.integer(n, "n", 1)
        lead = self._lead(pattern)
        if not self._config.has_dynamics:
            for _ in range(n):
                output = self._shown(pattern, target, lead, self._config, plastic, recorded=False)[0]
            return output
        ms = _toml.value(n * self._config.step_ms, "ms")
        config = self._changed(f"time.presentation={ms}", "time.lag=0", "time.window=0", 'time.reset="none"')
        return self._shown(pattern, target, lead, config, plastic, recorded=False)[0]

    def simulate(
        self,
        patterns: ArrayLike,
        targets: ArrayLike | None = None,
        record: Sequence[str] | Mapping[str, Any] = (),
        ms: float | None = None,
        plastic: bool = True,
    ) -> xr.Dataset:
        """Shows patterns one after the other, in one call.

        Parameters
        ----------
        patterns, targets
            (presentations, n_0) and (presentations, n_N); with a batch (presentations, batch, n_0) and so on.
        record
            Names of quantities (``"soma"``, ``"apical"``, ``"Wpp.1"``, ...), or the config's ``[record]``, as in
            ``{"apical": {"every": 10, "layers": [1]}}``.
        ms, plastic
            As in :meth:`present`, for each pattern.

        Returns
        -------
        A dataset with the variables and dims of a run folder's traces, and ``output`` (presentation, ...) as
        :meth:`present` returns it.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C; the circuit is then where the last whole presentation left it.

        Examples
        --------
        >>> import apical, numpy
        >>> circuit = apical.Circuit([3, 4, 2])
        >>> seen = circuit.simulate(numpy.full((2, 3), 0.5), record=["apical"], ms=20)
        >>> dict(seen.apical_1.sizes)
        {'time': 400, 'pyramidal_1': 4}
        """
        patterns = numbers(patterns, self._dtype, "patterns")
        dims = 3 if self._config.batch > 1 or patterns.ndim == 3 else 2
        if patterns.ndim != dims:
            inside = f"{self._config.batch}, {self.sizes[0]}" if dims == 3 else f"{self.sizes[0]}"
            raise InputError(f"patterns: shape {patterns.shape}; allowed: (presentations, {inside})")
        lead: tuple[int, ...] = (patterns.shape[0], *(self._config.batch for _ in range(dims - 2)))
        config = self._timed(ms, *_record(record))
        output, recorded = self._shown(patterns, targets, lead, config, plastic, recorded=True)
        return dataset(recorded, output, self._config)

    def answer(self, patterns: ArrayLike) -> NDArray[Any]:
        """Output potentials (samples, n_N) for patterns (samples, n_0), each from rest, without target, noise and
        plasticity; the circuit stays where it is. NaN for a sample without a fixed point."""
        ready = numbers(patterns, self._dtype, "patterns")
        if ready.ndim != 2 or ready.shape[1] != self.sizes[0]:
            raise InputError(f"patterns: shape {ready.shape}; allowed: (samples, {self.sizes[0]})")
        return self._core.answer(ready)[0]

    def update(
        self, learner: str | Mapping[str, Any], batch: tuple[ArrayLike, ArrayLike], loss: str = "matching"
    ) -> dict[str, NDArray[Any]]:
        """What a learner would do at these weights: the direction of the forward weights at a rate of 1, mean over the batch.

        Parameters
        ----------
        learner
            A name (``"bp"``, ``"fa"``, ``"microcircuit"``, ...) or the config's ``[learner]``. The microcircuit is asked
            from rest, with the circuit's solver.
        batch
            Input rates (samples, n_0) and target potentials (samples, n_N).
        loss
            What the others descend; ``"matching"`` is what the circuit does in the limit of a weak nudge.

        Returns
        -------
        ``Wpp.k`` (and ``bpp.k``) by name; see :func:`angle`.
        """
        learner = {"kind": learner} if isinstance(learner, str) else _check.mapping(learner, "learner")
        if not isinstance(batch, Sequence) or len(batch) != 2:
            raise _check.refused("batch", batch, "a pair: inputs and targets")
        if "kind" not in learner:
            raise _check.refused("learner", learner, "a name, or a table with its kind")
        inputs, targets = (numbers(given, self._dtype, what) for given, what in zip(batch, ("inputs", "targets"), strict=True))
        samples = inputs.shape[0] if inputs.ndim == 2 else 0
        for what, array, cells in (("inputs", inputs, self.sizes[0]), ("targets", targets, self.sizes[-1])):
            if array.shape != (samples, cells) or samples == 0:
                raise InputError(f"{what}: shape {array.shape}; allowed: (samples, {cells})")
        asked = self._learner(learner, samples, loss)
        return self._core.update(asked, inputs, targets)

    def _learner(self, learner: dict[str, Any], samples: int, loss: str) -> _engine.Config:
        tables: dict[str, Any] = self._made_of["tables"]
        if learner.get("kind") == "microcircuit":
            if others := [key for key in learner if key != "kind"]:
                raise InputError(f"learner: {others[0]!r} among its keys; allowed: kind alone, the rest is the circuit's")
            if loss != "matching":
                raise _check.refused("loss", loss, '"matching", which is what the microcircuit descends')
            return self._changed(f"train.batch={samples}", "network.sigma=0")
        net = tables["network"]
        own: dict[str, Any] = {
            "seed": tables["seed"],
            "precision": tables["precision"],
            "network": {k: net[k] for k in ("sizes", "activation", "bias_rate") if k in net},
            "learner": {"attenuation": tables["solver"].get("attenuation", "conductances"), **learner},
            "task": {"kind": "teacher", "layers": [net["sizes"][0], net["sizes"][-1]], "gains": [1.0]},
            "train": {"batch": samples, "loss": loss},
        }
        if own["learner"]["attenuation"] == "conductances" and "conductances" in tables:
            own["conductances"] = tables["conductances"]
        return _engine.Config("learner", "learner", _toml.document(own), ".", [])

    def copy(self) -> Circuit:
        """Another circuit in the same state."""
        other = Circuit.__new__(Circuit)
        other.__setstate__(self.__getstate__())
        return other

    def __getstate__(self) -> dict[str, Any]:
        weights = {name: np.array(self.weights[name]) for name in self.weights}
        return {"made_of": self._made_of, "weights": weights, "state": self.state, "clock": self._core.clock}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, kind in (("made_of", Mapping), ("weights", Mapping), ("state", Mapping), ("clock", int)):
            if not isinstance(state, Mapping) or not isinstance(state.get(name), kind):
                raise InputError(f"circuit: no {name!r} in its pickle, or another thing; allowed: a whole circuit")
        if not {"text", "tables"} <= state["made_of"].keys():
            raise InputError("circuit: its pickle does not say what it is made of; allowed: a whole circuit")
        self._open(state["made_of"])
        if missing := [name for name in self.weights if name not in state["weights"]]:
            raise InputError(f"circuit: no {missing[0]!r} in its pickle; allowed: a whole circuit")
        for name, values in state["weights"].items():
            self._core.set_weight(name, np.ascontiguousarray(values, self._dtype).reshape(self._weights._known(name)))
        # Not through what refuses NaN: a circuit that has diverged pickles, too.
        self._core.set_state({name: np.ascontiguousarray(values, self._dtype) for name, values in state["state"].items()})
        self._core.clock = _check.integer(state["clock"], "clock", 0, 2**63 - 1)

    def __repr__(self) -> str:
        sizes = "-".join(str(n) for n in self.sizes)
        solver = self._made_of["tables"]["solver"].get("kind", "euler")
        try:
            when = f"{self.time_ms:g} ms"
        except InputError:
            when = "at work in another thread"
        return f"<Circuit {sizes}, {solver}, {self._config.precision}, {when}>"

    def _lead(self, pattern: ArrayLike) -> tuple[int, ...]:
        """The dims of one presentation before that of cells."""
        try:
            dims = np.ndim(pattern)
        except ValueError:
            # Lists of unequal lengths: who reads them says so.
            dims = 1
        return () if self._config.batch == 1 and dims < 2 else (self._config.batch,)

    def _timed(self, ms: float | None, *changes: str) -> _engine.Config:
        if ms is None:
            timed: tuple[str, ...] = ()
        else:
            timed = (f"time.presentation={_toml.value(_check.positive(ms, 'ms'), 'ms')}",)
        return self._changed(*timed, *changes) if timed or changes else self._config

    def _shown(
        self,
        patterns: ArrayLike,
        targets: ArrayLike | None,
        lead: tuple[int, ...],
        config: _engine.Config,
        plastic: bool,
        *,
        recorded: bool,
    ) -> tuple[NDArray[Any], list[dict[str, Any]]]:
        inputs = shaped(patterns, self._dtype, (*lead, self.sizes[0]), "patterns")
        if targets is not None:
            targets = shaped(targets, self._dtype, (*lead, self.sizes[-1]), "targets")
        return self._core.present(config, inputs, targets, _check.flag(plastic, "plastic"), recorded)


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    """A vector whose largest entry is 1, so that no square overflows."""
    return vector / (np.abs(vector).max(initial=0.0) or 1.0)


def _record(record: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """What is to be recorded as changes of the config."""
    if isinstance(record, str):
        record = [record]
    if isinstance(record, Mapping):
        tables = _check.mapping(record, "record")
    elif isinstance(record, Sequence) and all(isinstance(name, str) for name in record):
        tables = {name: {} for name in record}
    else:
        raise _check.refused("record", record, "names of quantities, or the config's [record] as a mapping")
    changes: list[str] = []
    for name, table in tables.items():
        if name == "weights":
            inside = _check.mapping(table, "record.weights")
            changes.extend(f"record.weights.{_toml.key(k)}={_toml.value(v, k)}" for k, v in inside.items())
        elif name in QUANTITIES:
            changes.append(f"record.{name}={_toml.value(table, name)}")
        elif "." in name:
            changes.append(f"record.weights.{_toml.key(name)}={_toml.value(table, name)}")
        else:
            raise InputError(f"record: there is no {name!r}; allowed: {', '.join(QUANTITIES)}, or a weight such as Wpp.1")
    return changes


def angle(a: Mapping[str, ArrayLike], b: Mapping[str, ArrayLike]) -> dict[str, float]:
    """Degrees between two updates, for each tensor that both have, and for all of these as one vector (``"all"``).

    NaN where one of the two is zero. 0 is the same direction, 90 unrelated, 180 opposite.

    Examples
    --------
    >>> import apical, numpy
    >>> apical.angle({"Wpp.1": numpy.eye(2)}, {"Wpp.1": -numpy.eye(2)})
    {'Wpp.1': 180.0, 'all': 180.0}
    """
    a, b = _check.mapping(a, "a"), _check.mapping(b, "b")
    common = [name for name in a if name in b]
    if not common:
        raise InputError("angle: the two have no tensor in common; allowed: updates as Circuit.update returns them")
    double = np.dtype(np.float64)
    pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    for name in common:
        first, second = (numbers(given[name], double, name) for given in (a, b))
        if first.shape != second.shape:
            raise InputError(f"{name}: shapes {first.shape} and {second.shape}; allowed: the same")
        pairs[name] = (first.ravel(), second.ravel())
    if "all" in pairs:
        raise InputError('angle: a tensor called "all"; allowed: other names, this is that of all together')
    first, second = (np.concatenate([pairs[name][i] for name in common]) for i in (0, 1))
    pairs["all"] = (first, second)
    found = {name: _engine.angle(*map(_unit, pair)) for name, pair in pairs.items()}
    return {name: float("nan") if degrees is None else degrees for name, degrees in found.items()}
