"""Dendritic cortical microcircuits from Python: circuits as arrays, experiments as run folders.

>>> import apical
>>> circuit = apical.Circuit([3, 4, 2], seed=1)
>>> circuit.weights["Wpp.1"].shape
(4, 3)
"""

from ._circuit import Circuit, ConfigWarning, angle
from ._compare import Comparison, Relation, compare, relate
from ._engine import InputError, MachineError, ScienceError, __version__
from ._experiment import Evaluation, Experiment, experiment
from ._lists import learners, presets, solvers
from ._run import Run, figures, plot
from ._search import search
from ._sweep import Result, Sweep, sweep
from ._weights import Weights

__all__ = [
    "Circuit",
    "Comparison",
    "ConfigWarning",
    "Evaluation",
    "Experiment",
    "InputError",
    "MachineError",
    "Relation",
    "Result",
    "Run",
    "ScienceError",
    "Sweep",
    "Weights",
    "__version__",
    "angle",
    "compare",
    "experiment",
    "figures",
    "learners",
    "plot",
    "presets",
    "relate",
    "search",
    "solvers",
    "sweep",
]
