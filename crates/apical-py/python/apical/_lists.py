"""What there is, by name: the registries of the engine."""

from . import _engine


def presets() -> dict[str, str]:
    """Experiments inside the package: name, and what each shows."""
    return dict(_engine.presets())


def solvers() -> dict[str, str]:
    """Solvers: name, and how each finds potentials."""
    return dict(_engine.solvers())


def learners() -> dict[str, str]:
    """Learners: name, and how each assigns credit."""
    return dict(_engine.learners())
