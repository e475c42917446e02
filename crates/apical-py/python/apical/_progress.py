"""How far a run is: a line that is written anew, in a terminal or in the output of a notebook's cell."""

from __future__ import annotations

import sys
import time

_WIDTH = 30
_EVERY = 0.1


class Progress:
    """A bar with the time left and the last thing told. Without a terminal or notebook only what is told is printed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._total = 1
        self._begun = (time.monotonic(), 0)
        self._shown = 0.0
        self._last = ""
        # A notebook's stream is no terminal, but carriage returns work there.
        self._bar = sys.stderr.isatty() or "ipykernel" in sys.modules

    def begin(self, total: int, done: int) -> None:
        """So many presentations in all, of which some are made."""
        self._total = max(total, 1)
        self._begun = (time.monotonic(), done)
        self.advance(done, now=True)

    def advance(self, done: int, now: bool = False) -> None:
        """So many are made."""
        clock = time.monotonic()
        if not self._bar or (clock - self._shown < _EVERY and not now):
            return
        self._shown = clock
        since, before = self._begun
        left = ""
        if done > before and done < self._total:
            seconds = (clock - since) / (done - before) * (self._total - done)
            left = f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"
        full = round(_WIDTH * min(done / self._total, 1.0))
        bar = "#" * full + "." * (_WIDTH - full)
        line = f"{self._name} [{bar}] {done}/{self._total} {left} {self._last}".rstrip()
        sys.stderr.write("\r\x1b[K" + line[:110])
        sys.stderr.flush()

    def note(self, line: str) -> None:
        """Something to tell: beside the bar, or on a line of its own."""
        self._last = line
        if not self._bar:
            print(f"{self._name}: {line}", file=sys.stderr)

    def close(self) -> None:
        """The bar ends where it is."""
        if self._bar:
            sys.stderr.write("\n")
            sys.stderr.flush()
