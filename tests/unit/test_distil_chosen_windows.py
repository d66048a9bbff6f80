"""Which windows go beside a student."""

import numpy as np
import pytest

from models.distil.chosen_windows import middle_windows, spread_over_heart_rate
from models.synth import WindowSet
from ppg_deploy.errors import InputError


def numbered(subjects: list[str], hr: list[float] | None = None) -> WindowSet:
    """Windows that hold their own number."""
    count = len(subjects)
    x = np.tile(np.arange(count, dtype=np.float32)[:, None, None, None], (1, 1, 4, 256))
    rates = np.array([80.0] * count if hr is None else hr, np.float32)
    return WindowSet(x, rates, np.array(subjects), 2 * np.arange(count, dtype=np.float32))


def test_calibration_takes_from_every_heart_rate() -> None:
    many = numbered(["a"] * 555, [75.0] * 500 + [115.0] * 5 + [165.0] * 50)
    chosen = spread_over_heart_rate(many, 60, np.random.default_rng(8))
    assert len(set(chosen.tolist())) == 60
    picked = many.pick(chosen).hr
    assert [(picked == rate).sum() for rate in (75.0, 115.0, 165.0)] == [28, 5, 27]


def test_the_middle_of_each_named_subject() -> None:
    windows = numbered(["a"] * 10 + ["b"] * 3 + ["c"] * 7)
    middle = middle_windows(windows, ["c", "a", "b"], 4)
    assert middle.subject.tolist() == ["c"] * 4 + ["a"] * 4 + ["b"] * 3
    assert middle.x[:, 0, 0, 0].tolist() == [14, 15, 16, 17, 3, 4, 5, 6, 10, 11, 12]
    with pytest.raises(InputError, match="'d' is no test subject"):
        middle_windows(windows, ["a", "d"], 4)
