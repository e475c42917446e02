"""Python's values as TOML, read back by Python's own reader."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import apical
from apical import _toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), TEXT)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(st.dictionaries(TEXT, VALUES))
def test_what_is_written_reads_back(config):
    assert tomllib.loads(_toml.document(config)) == config


@given(VALUES)
def test_one_value_on_one_line(value):
    text = _toml.value(value, "x")
    assert "\n" not in text and tomllib.loads(f"x = {text}")["x"] == value


def test_arrays_numpy_scalars_and_paths():
    assert _toml.value(np.float32(0.5), "x") == "0.5"
    assert _toml.value(np.arange(3), "x") == "[0, 1, 2]"
    assert tomllib.loads("x = " + _toml.value(Path("a/b"), "x"))["x"] == "a/b"


def test_dotted_keys_are_paths_at_the_top_alone():
    given = {"train.epochs": 3, "expect": {}, "record": {"weights": {"Wpp.1": {"every": 2}}}}
    assert _toml.changes(given) == ["train.epochs=3", "expect={  }", 'record.weights."Wpp.1".every=2']
    config = apical.experiment("digits").with_(given).config
    assert config["record"]["weights"]["Wpp.1"]["every"] == 2 and "expect" not in config


def test_what_toml_has_not_is_named():
    with pytest.raises(apical.InputError, match=r"a\.b\.1: a value of type NoneType"):
        _toml.document({"a": {"b": [1, None]}})
