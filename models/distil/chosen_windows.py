"""Which windows go beside a student: for calibration, and as a test file small enough to hand on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.synth import WindowSet
from ppg_deploy.errors import InputError

_HR_BIN_BPM = 10.0


def spread_over_heart_rate(window_set: WindowSet, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of `count` windows that cover the heart rates present as evenly as they allow, in file order.

    Takes one random window from every 10 BPM bin in turn until there are enough.
    """
    bins = np.floor(window_set.hr / _HR_BIN_BPM).astype(int)
    shuffled = rng.permutation(window_set.hr.size)
    queues = [list(shuffled[bins[shuffled] == number]) for number in np.unique(bins)]
    chosen: list[int] = []
    while len(chosen) < min(count, window_set.hr.size):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop()))
    return np.array(sorted(chosen), np.intp)


def middle_windows(window_set: WindowSet, subjects: Sequence[str], per_subject: int) -> WindowSet:
    """An unbroken run of windows from the middle of each named subject's, in the order of the names.

    Raises:
        InputError: a name that no window has.
    """
    runs = []
    for subject in subjects:
        rows = np.flatnonzero(window_set.subject == subject)
        if rows.size == 0:
            raise InputError(
                f"export.shipped_test_subjects: {subject!r} is no test subject",
                hint="choose them from the test subjects",
            )
        first = max(rows.size - per_subject, 0) // 2
        runs.append(rows[first : first + per_subject])
    return window_set.pick(np.concatenate(runs))
