"""Several learners on one experiment, and what each would do at the same weights."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _check, _engine
from ._engine import InputError
from ._experiment import Experiment, raw
from ._run import Run

if TYPE_CHECKING:
    import pandas as pd

Named = str | PathLike[str] | Mapping[str, Any] | Experiment


@dataclass(frozen=True)
class Comparison:
    """What the runs of a comparison have come to."""

    #: The metric by which learners are ranked.
    measure: str
    #: A row per run.
    runs: pd.DataFrame
    #: A row per learner, the best first.
    summary: pd.DataFrame
    #: Learning curves, a row per value.
    curves: pd.DataFrame
    #: The run folders by learner, seed by seed.
    folders: dict[str, list[Run]]

    def _repr_html_(self) -> str:
        return str(self.summary.to_html())


@dataclass(frozen=True)
class Relation:
    """Angles between what learners would do at the same weights."""

    #: Degrees: when, layer, learner_a, learner_b, degrees.
    angles: pd.DataFrame
    #: How fast each approaches its limit, a row per point.
    limits: pd.DataFrame
    #: Which function each update belongs to.
    says: dict[str, str]
    #: What happened on the way, and who is left out.
    notes: list[str]

    def matrix(self, when: str = "start", layer: str = "all") -> pd.DataFrame:
        """Degrees between every two learners at a moment (``"start"``, ``"given"``) in a layer (``"1"``, ..., ``"all"``)."""
        for place, given in (("when", when), ("layer", layer)):
            if not isinstance(given, str) or given not in set(self.angles[place]):
                raise _check.refused(place, given, ", ".join(map(repr, dict.fromkeys(self.angles[place]))))
        chosen = self.angles[(self.angles["when"] == when) & (self.angles["layer"] == layer)]
        order = list(dict.fromkeys(chosen["learner_a"]))
        return chosen.pivot(index="learner_a", columns="learner_b", values="degrees").loc[order, order]

    def _repr_html_(self) -> str:
        return str(self.matrix().round(1).to_html())


def compare(
    named: Named,
    learners: Sequence[str] | None = None,
    seeds: int | None = None,
    *,
    out: str | PathLike[str] = "runs",
    progress: bool = False,
    threads: int | None = None,
) -> Comparison:
    """Makes the runs of several learners and seeds on one experiment that are missing, one after the other, as
    ``apical compare`` does; the run folders are the same.

    Parameters
    ----------
    named
        A preset, path, dict or :class:`Experiment`, with or without ``[compare]``.
    learners
        Names of the config's ``[learner.NAME]`` or kinds; None: those of ``[compare]``.
    seeds
        Runs of each learner; None: that of ``[compare]``, or 5.
    """
    config = _raw(named)
    chosen = None if learners is None else _check.strings(learners, "learners", '["bp", "fa"]')
    seeds = None if seeds is None else _check.integer(seeds, "seeds", 1)
    planned = _engine.comparison(config, chosen, seeds)
    folders: dict[str, list[Run]] = {}
    for learner, label, seed, toml in planned:
        one = Experiment(f"{label}, seed {seed}", "run", toml, config[3])
        folders.setdefault(learner, []).append(one.run(out, progress=progress, threads=threads))
    paths = [run.path for runs in folders.values() for run in runs]
    measure, made, summary, curves = _engine.results(config, chosen, seeds, paths)
    return Comparison(measure, _table(made), _table(summary), _table(curves), folders)


def relate(
    named: Named,
    learners: Sequence[str] | None = None,
    *,
    asked_at: str | None = None,
    weights: str | PathLike[str] | Run | None = None,
    samples: int = 100,
    limit_samples: int = 0,
    threads: int | None = None,
) -> Relation:
    """Angles between what learners would do at the same weights with the same samples, as ``apical relate`` has them.

    Parameters
    ----------
    named, learners
        As in :func:`compare`; one seed.
    asked_at
        The learner whose start weights all are asked at; None: the first.
    weights
        Further weights to ask at: a safetensors file, or a run or its folder, whose best checkpoint it is. Trains nothing.
    samples, limit_samples
        Training samples for the matrix, and for the limits (0: none).
    """
    import pandas as pd

    file = weights if weights is None or isinstance(weights, Run) else _check.path(weights, "weights")
    if isinstance(file, Path) and file.is_dir():
        weights = Run(file)
    if isinstance(weights, Run):
        files = (weights.path / "checkpoints" / f"{name}.safetensors" for name in ("best", "last"))
        file = next((path for path in files if path.is_file()), None)
        if file is None:
            raise InputError(f"weights: {weights.path} has no checkpoints; allowed: a run with checkpoints, or a file")
    chosen = None if learners is None else _check.strings(learners, "learners", '["bp", "fa"]')
    samples, limit_samples = _check.integer(samples, "samples", 1), _check.integer(limit_samples, "limit_samples", 0)
    count = _check.threads(threads)
    told = _engine.relate(_raw(named), chosen, asked_at, samples, limit_samples, file, count)  # type: ignore[arg-type]
    found = json.loads(told)
    rows = []
    for matrix in found["matrices"]:
        names = matrix["names"]
        for layer, degrees in zip(matrix["layers"], matrix["degrees"], strict=True):
            table = np.array([np.nan if d is None else d for d in degrees], float).reshape(len(names), len(names))
            rows += [
                (matrix["when"], layer, a, b, table[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)
            ]
    angles = pd.DataFrame(rows, columns=["when", "layer", "learner_a", "learner_b", "degrees"])
    limits = pd.DataFrame(found["limits"])
    return Relation(angles, limits, dict(found["says"]), [*found["left_out"], *found["notes"]])


def _raw(named: Named) -> tuple[str, str, str, str, list[str]]:
    if isinstance(named, Experiment):
        *source, changes = named._raw
        return (*source, list(changes))  # type: ignore[return-value]
    return (*raw(named), [])


def _table(text: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(io.StringIO(text))
