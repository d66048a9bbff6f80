"""Layouts against numpy: whatever the bookkeeping says must be what moving the data would give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppg_deploy.convert.layout import Layout, LayoutError


def stored(layout: Layout, values: np.ndarray) -> np.ndarray:
    """Elements in memory order, of ONNX values in row-major order."""
    return values.reshape(-1)[layout.element_order()]


def test_flattened_channels_last_signal_keeps_its_memory() -> None:
    values = np.arange(2 * 3 * 4).reshape(1, 2, 3, 4)
    layout = Layout.channels_last((1, 2, 3, 4))
    assert np.array_equal(stored(layout, values), values.transpose(0, 2, 3, 1).reshape(-1))
    flat = layout.reshaped((1, 24))
    assert np.array_equal(stored(flat, values), values.transpose(0, 2, 3, 1).reshape(-1))


@given(
    st.lists(st.integers(1, 4), min_size=3, max_size=4).map(lambda tail: (1, *tail)),
    st.randoms(use_true_random=False),
)
def test_transposes_only_change_bookkeeping(shape: tuple[int, ...], random: object) -> None:
    order = list(range(len(shape)))
    random.shuffle(order)  # type: ignore[attr-defined]
    values = np.arange(np.prod(shape)).reshape(shape)
    layout = Layout.channels_last(shape)
    memory = stored(layout, values)
    turned = layout.transposed(tuple(order))
    assert turned.shape == values.transpose(order).shape
    assert np.array_equal(stored(turned, values.transpose(order)), memory)


@given(st.sampled_from([(1, 6, 4), (1, 24), (2, 3, 2, 2), (1, 1, 12, 2), (6, 4), (1, 3, 8)]))
def test_reshapes_only_change_bookkeeping(target: tuple[int, ...]) -> None:
    values = np.arange(24).reshape(1, 6, 4)
    layout = Layout.channels_last((1, 6, 4))
    try:
        viewed = layout.reshaped(target)
    except LayoutError:
        assert target == (1, 3, 8)
        return
    assert viewed.shape == target
    assert np.array_equal(stored(viewed, values.reshape(target)), stored(layout, values))


def test_misaligned_reshape_is_refused() -> None:
    with pytest.raises(LayoutError, match="align"):
        Layout.row_major((6, 4)).reshaped((4, 6))


def test_single_channel_signal_has_both_orders() -> None:
    assert Layout.row_major((1, 1, 8)).same_order(Layout.channels_last((1, 1, 8)))
    assert not Layout.row_major((1, 2, 8)).same_order(Layout.channels_last((1, 2, 8)))
