"""Arrays of every kind: the right answer or a clear error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import apical
from apical._arrays import numbers

CELLS = 4
NET = apical.Circuit([CELLS, 3, 2], seed=1, precision="f64")
DTYPES = [">f8", "<f8", ">f4", "f2", "i1", ">i4", "u2", "?"]


def reference(x):
    return NET.answer([[float(v) for v in row] for row in np.asarray(x)])


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(DTYPES), st.integers(1, 5))
def test_type_byte_order_and_layout_do_not_matter(data, dtype, rows):
    whole = data.draw(hnp.arrays(dtype, (2 * rows, 2 * CELLS), elements=st.integers(0, 1)))
    layouts = [
        whole[::2, ::2],
        np.asfortranarray(whole[:rows, :CELLS]),
        whole[::-2, 1::2],
        whole.T[:CELLS, :rows].T,
    ]
    for x in layouts:
        x.setflags(write=False)
        np.testing.assert_array_equal(NET.answer(x), reference(x))


@settings(max_examples=60, deadline=None)
@given(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6))
def test_other_shapes_are_refused_and_named(shape):
    x = np.zeros(shape)
    if len(shape) == 2 and shape[1] == CELLS:
        assert NET.answer(x).shape == (shape[0], 2)
    else:
        with pytest.raises(apical.InputError, match="patterns: shape"):
            NET.answer(x)
    if shape == (CELLS,):
        return
    with pytest.raises(apical.InputError, match="patterns: shape"):
        NET.copy().present(x if shape != (1, CELLS) else np.zeros(CELLS + 1), ms=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.integers(0, CELLS - 1), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_not_finite_is_named_with_its_place(row, column, value):
    x = np.zeros((5, CELLS))
    x[row, column] = value
    with pytest.raises(apical.InputError, match=rf"patterns: {value} at \({row}, {column}\)"):
        NET.answer(x)
    with pytest.raises(apical.InputError, match="finite"):
        NET.copy().weights["Wpp.1"] = np.full((3, CELLS), value)


@pytest.mark.parametrize("wrong", [np.array(["a"]), np.array([1j]), np.array([None]), np.array(["2020"], "M8[D]")])
def test_other_types_are_refused(wrong):
    with pytest.raises(apical.InputError, match="patterns: numbers of type"):
        NET.answer(wrong)


def test_ragged_lists_and_masks_are_refused():
    with pytest.raises(apical.InputError, match="equal lengths"):
        NET.answer([[1.0, 2.0], [3.0]])
    with pytest.raises(apical.InputError, match="masked"):
        NET.answer(np.ma.masked_equal(np.ones((1, CELLS)), 1.0))


def test_numbers_beyond_single_precision_are_refused():
    with pytest.raises(apical.InputError, match="1e\\+300 at"):
        apical.Circuit([CELLS, 2]).answer(np.full((1, CELLS), 1e300))


def test_arrays_that_fit_are_not_copied():
    x = np.zeros((3, CELLS))
    assert numbers(x, x.dtype, "x").base is x or np.shares_memory(numbers(x, x.dtype, "x"), x)
    assert not np.shares_memory(numbers(x[:, ::2], x.dtype, "x"), x)


def test_foreign_weights_come_in_by_their_buffer():
    """An array('d') and a memoryview are buffers, not arrays."""
    import array

    one = NET.copy()
    one.weights["Wpp.2"] = np.frombuffer(array.array("d", range(6))).reshape(2, 3)
    np.testing.assert_array_equal(one.weights["Wpp.2"], [[0, 1, 2], [3, 4, 5]])
    assert one.answer(memoryview(np.zeros((1, CELLS)))).shape == (1, 2)
