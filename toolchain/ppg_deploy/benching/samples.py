"""From a measurement to the samples that are kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.benching.measure import Measurement
from ppg_deploy.benching.plan import BenchPlan
from ppg_deploy.benching.summary import device_bpm
from ppg_deploy.results import Samples


def samples_of(plan: BenchPlan, measurement: Measurement) -> Samples:
    """Everything that was measured window by window, and what it is compared with."""
    counts, windows, answers = measurement.counts, plan.windows, measurement.answers
    counted = [answer.row for answer in answers if answer.profile is not None]
    profiles = counts.profiles
    estimates = [profile.cycles_estimated for profile in profiles if profile.cycles_estimated is not None]
    bpm = None if measurement.missing else device_bpm(plan, measurement.outputs)
    has_timer = counts.ticks is not None and any(answer.timer_ticks for answer in answers)
    rows = [answer.row for answer in answers]
    return Samples(
        y=measurement.outputs,
        expected=plan.expected,
        y_sliding=None if measurement.sliding is None else measurement.sliding.outputs,
        answered=_flags(rows, len(windows)) if measurement.missing else None,
        ticks=None if counts.ticks is None else _by_window(rows, counts.ticks, len(windows)),
        timer_ticks=_by_window(rows, [answer.timer_ticks for answer in answers], len(windows))
        if has_timer
        else None,
        counted=_integers(counted) if profiles else None,
        instructions=_integers([profile.instructions for profile in profiles]) if profiles else None,
        cycles_estimated=_integers(estimates) if estimates else None,
        bpm=None if bpm is None else bpm.raw,
        bpm_filtered=None if bpm is None else bpm.filtered,
        hr=None if windows.hr is None else windows.hr.astype(np.float64),
        subject=windows.subject,
        start_s=None if windows.start_s is None else windows.start_s.astype(np.float64),
    )


def _flags(rows: Sequence[int], windows: int) -> NDArray[np.bool_]:
    flags = np.zeros(windows, np.bool_)
    flags[list(rows)] = True
    return flags


def _by_window(rows: Sequence[int], values: Sequence[int], windows: int) -> NDArray[np.int64]:
    """`values` of `rows`; 0 for missing windows."""
    every = np.zeros(windows, np.int64)
    every[list(rows)] = values
    return every


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
