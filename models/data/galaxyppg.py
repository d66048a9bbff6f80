"""GalaxyPPG: folders P01, P02 and so on with GalaxyWatch/PPG.csv, GalaxyWatch/ACC.csv and PolarH10/HR.csv.

The watch's samples carry times in milliseconds of UTC; the chest strap's carry Korean time (UTC + 9 h), which the
authors' scripts subtract (Kaist-ICLab/GalaxyPPG-Supplementary-Code).
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.finding import Wanted, every_subject
from models.data.gravity import STANDARD_GRAVITY_M_S2, to_g_by_gravity
from models.data.labels import window_means
from models.data.recording import STRIDE_S, WINDOW_S, HrOrigin, RawRecording, Units, window_count
from ppg_deploy.errors import InputError

DATASET = "galaxyppg"
HINT = (
    "download the GalaxyPPG data set (the link is in github.com/Kaist-ICLab/GalaxyPPG-Supplementary-Code), unpack it, "
    "and name the folder Dataset with P01, P02 and so on; leave out a participant without all files (--without)"
)

_PARTICIPANT = re.compile(r"P\d{2,3}")
_RATE_HZ = 25
_STEP_MS = 1000.0 / _RATE_HZ
_STEP_TOLERANCE_MS = 10.0
_KOREAN_TIME_MS = 9.0 * 3600.0 * 1000.0
_LONGEST_GAP_MS = 200.0
# The watch reports 0 for a good sample, 500 where its software has no status, negative numbers without a signal.
_USABLE_STATUS = (0.0, 500.0)
_FEWEST_HEART_RATES = 4
_ACCELERATION_UNITS = {"m/s^2": STANDARD_GRAVITY_M_S2, "g": 1.0, "1/4096 g": 4096.0}


def load(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """One recording a participant, `galaxyppg_02` and so on; heart rates as the chest strap reported them.

    The streams are interpolated to 25 Hz over the time between the first and the last event of Event.csv. A
    window that touches a gap of more than 0.2 s, or has fewer than 4 heart rates, has no reference.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint=HINT)
    participants = [path for path in sorted(folder.iterdir()) if _PARTICIPANT.fullmatch(path.name)]
    if not participants:
        raise InputError(f"{folder} holds no folder P01, P02 and so on", hint=HINT)
    for participant in participants:
        if wanted(f"{DATASET}_{participant.name[1:]}"):
            yield _read(participant)


def _read(participant: Path) -> RawRecording:
    ppg = _columns(participant / "GalaxyWatch" / "PPG.csv", ("timestamp", "ppg", "status"))
    ppg = ppg[:, np.isin(ppg[2], _USABLE_STATUS)]
    acceleration = _columns(participant / "GalaxyWatch" / "ACC.csv", ("timestamp", "x", "y", "z"))
    heart = _columns(participant / "PolarH10" / "HR.csv", ("phoneTimestamp", "hr"))
    heart = heart[:, heart[1] > 0.0]
    heart[0] -= _KOREAN_TIME_MS
    events_ms = _event_times(participant)
    for name, stream in (("PPG.csv", ppg), ("ACC.csv", acceleration)):
        _check_rate(participant / "GalaxyWatch" / name, stream[0])

    start_ms = max(ppg[0, 0], acceleration[0, 0], events_ms.min())
    end_ms = min(ppg[0, -1], acceleration[0, -1], events_ms.max())
    grid_ms = np.arange(start_ms, end_ms, _STEP_MS)
    windows = window_count(grid_ms.size / _RATE_HZ)
    if windows == 0 or not ((heart[0] >= start_ms) & (heart[0] < end_ms)).any():
        raise InputError(
            f"{participant}: watch, chest strap and events have no 8 s in common",
            hint="the times of a file are not those of the published one",
        )
    hr = window_means((heart[0] - start_ms) / 1000.0, heart[1], windows, _FEWEST_HEART_RATES)
    for stream in (ppg, acceleration):
        hr[_in_gap(stream[0] - start_ms, windows)] = np.nan
    axes = np.stack([np.interp(grid_ms, acceleration[0], axis) for axis in acceleration[1:]])
    axes_g, unit = to_g_by_gravity(axes, _ACCELERATION_UNITS, str(participant))
    return RawRecording(
        dataset=DATASET,
        subject=f"{DATASET}_{participant.name[1:]}",
        name=participant.name,
        ppg=np.interp(grid_ms, ppg[0], ppg[1])[None],
        ppg_rate_hz=_RATE_HZ,
        acceleration=axes_g,
        acceleration_rate_hz=_RATE_HZ,
        hr=hr,
        units=Units(ppg="Galaxy Watch green PPG, counts as published", acceleration=unit),
        hr_origin=HrOrigin.PUBLISHED,
    )


def _columns(path: Path, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Named columns of a CSV as (columns, rows), in the order of the first; rows with a gap are left out."""
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in names if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path} has no column {', '.join(missing)}", hint=HINT)
            for row in reader:
                fields = [row[name] for name in names]
                if all(fields):
                    rows.append([_number(field, path, reader.line_num) for field in fields])
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint=HINT) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV text: {error}", hint="download it anew") from error
    table = np.array(rows, np.float64).reshape(-1, len(names))
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < 2:
        raise InputError(f"{path} has no rows", hint=HINT)
    in_order = np.unique(table[:, 0], return_index=True)[1]
    return np.asarray(table[in_order].T)


def _number(field: str, path: Path, line: int) -> float:
    try:
        return float(field)
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {field!r} is no number", hint="download it anew") from error


def _event_times(participant: Path) -> NDArray[np.float64]:
    # The authors' scripts spell it both ways.
    for name in ("Event.csv", "event.csv"):
        if (participant / name).is_file():
            (times_ms,) = _columns(participant / name, ("timestamp",))
            return np.asarray(times_ms, np.float64)
    raise InputError(f"{participant} has no Event.csv", hint=HINT)


def _check_rate(path: Path, time_ms: NDArray[np.float64]) -> None:
    if time_ms.size < 2:
        raise InputError(f"{path} has no usable samples", hint=HINT)
    step_ms = float(np.median(np.diff(time_ms)))
    if abs(step_ms - _STEP_MS) > _STEP_TOLERANCE_MS:
        raise InputError(
            f"{path}: samples are {step_ms:.1f} ms apart, expected {_STEP_MS:.0f} ms (25 Hz)", hint=HINT
        )


def _in_gap(time_ms: NDArray[np.float64], windows: int) -> NDArray[np.bool_]:
    """Which windows reach into a gap; `time_ms` counts from the start of the first window."""
    wide = np.flatnonzero(np.diff(time_ms) > _LONGEST_GAP_MS)
    starts_ms = np.arange(windows) * STRIDE_S * 1000.0
    touched = np.zeros(windows, bool)
    for gap in wide:
        touched |= (starts_ms < time_ms[gap + 1]) & (starts_ms + WINDOW_S * 1000.0 > time_ms[gap])
    return touched
