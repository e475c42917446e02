"""The weights of a circuit as a mapping of arrays."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _check, _engine
from ._arrays import shaped


class Weights(MutableMapping[str, NDArray[Any]]):
    """The weights of a circuit by name, each (post, pre); biases are (cells, 1).

    Reading copies, and the copy is read-only: what was written into it would be lost. Assigning checks the shape and that
    all numbers are finite.
    """

    def __init__(self, core: _engine.Core, dtype: np.dtype[Any]) -> None:
        self._core = core
        self._dtype = dtype
        self._shapes = dict(core.shapes())

    def __getitem__(self, name: str) -> NDArray[Any]:
        self._known(name)
        copy = self._core.weight(name)
        copy.setflags(write=False)
        return copy

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        shape = self._known(name)
        self._core.set_weight(name, shaped(values, self._dtype, shape, name))

    def update(self, *given: Any, **named: Any) -> None:
        """Sets several; none, if one of them cannot be."""
        try:
            new = dict(*given, **named)
        except (TypeError, ValueError):
            raise _check.refused("weights", given, "a mapping from names to arrays") from None
        ready = {name: shaped(values, self._dtype, self._known(name), name) for name, values in new.items()}
        for name, values in ready.items():
            self._core.set_weight(name, values)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a circuit's weights cannot be deleted; set them to 0")

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def __repr__(self) -> str:
        inside = ", ".join(f"{name} {rows}x{columns}" for name, (rows, columns) in self._shapes.items())
        return f"<Weights {inside}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Alone, without their circuit, they are arrays by name.
        return dict, ({name: np.array(self[name]) for name in self},)

    def _known(self, name: str) -> tuple[int, int]:
        try:
            return self._shapes[name]
        except (KeyError, TypeError):
            raise KeyError(f"{name!r}; the circuit has {', '.join(self._shapes)}") from None
