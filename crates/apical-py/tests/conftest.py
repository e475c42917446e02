"""The command to compare with, and folders to run in."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import configuration

ROOT = Path(__file__).resolve().parents[3]
configuration.set_hypothesis_home_dir(ROOT / "target" / "hypothesis")


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """A shell in the background hands its children an ignored Ctrl-C, and Python leaves it so."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


@pytest.fixture(scope="session")
def command() -> Path:
    """The binary `apical` of the same build."""
    named = os.environ.get("APICAL_BIN")
    found = Path(named) if named else ROOT / "target" / "debug" / "apical"
    if not found.is_file():
        pytest.skip(f"there is no {found}: `cargo build` makes it, APICAL_BIN names another")
    return found


@pytest.fixture
def apical_run(command: Path, place: Path):  # noqa: ANN201
    """Runs `apical ...` and returns the last line of stdout: a folder."""

    def run(*arguments: str) -> Path:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, check=True)
        return Path(done.stdout.strip().splitlines()[-1])

    return run
