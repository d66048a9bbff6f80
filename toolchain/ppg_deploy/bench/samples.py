"""From a measurement to the samples that are kept."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.bench.device import counted_rows
from ppg_deploy.bench.measure import Measurement
from ppg_deploy.bench.plan import BenchPlan
from ppg_deploy.bench.summary import device_bpm
from ppg_deploy.results import Samples


def samples_of(plan: BenchPlan, measurement: Measurement) -> Samples:
    """Everything that was measured window by window, and what it is compared with."""
    counts, windows = measurement.counts, plan.windows
    profiles = counts.profiles
    estimates = [profile.cycles_estimated for profile in profiles if profile.cycles_estimated is not None]
    bpm = device_bpm(plan, measurement.outputs)
    return Samples(
        y=measurement.outputs,
        expected=plan.expected,
        y_sliding=None if measurement.sliding is None else measurement.sliding.outputs,
        ticks=None if counts.ticks is None else _integers(counts.ticks),
        counted=_integers(sorted(counted_rows(len(windows), len(profiles)))) if profiles else None,
        instructions=_integers([profile.instructions for profile in profiles]) if profiles else None,
        cycles_estimated=_integers(estimates) if estimates else None,
        bpm=None if bpm is None else bpm.raw,
        bpm_filtered=None if bpm is None else bpm.filtered,
        hr=None if windows.hr is None else windows.hr.astype(np.float64),
        subject=windows.subject,
        start_s=None if windows.start_s is None else windows.start_s.astype(np.float64),
    )


def _integers(values: "list[int] | tuple[int, ...]") -> NDArray[np.int64]:
    return np.array(values, np.int64)
