"""Notebooks, the book's page and the README: their code runs as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
#: More than twice what each takes; a notebook is to end within a minute.
LIMIT_SECONDS = 60


def run(code, limit):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=limit, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells), "notebooks are kept without outputs"
    run("\n".join("".join(cell["source"]) for cell in cells), LIMIT_SECONDS)


def test_there_are_four_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["compare-learners", "first-steps", "self-prediction", "sweep-and-plot"]


@pytest.mark.parametrize("page", ["docs/python.md", "crates/apical-py/README.md"])
def test_pages_run(page):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python(.*?)\n(.*?)^```", text, re.M | re.S)
    assert blocks
    whole = []
    for info, code in blocks:
        if "not-run" in info:
            continue
        needs = re.search(r"needs=(\S+)", info)
        if needs:
            pytest.importorskip(needs.group(1), reason=f"{needs.group(1)} is not installed")
        whole.append(code)
    run("\n".join(whole), LIMIT_SECONDS)


@pytest.mark.parametrize("path", sorted((ROOT / "crates/apical-py/examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_run(path):
    run(path.read_text(encoding="utf-8"), LIMIT_SECONDS)
