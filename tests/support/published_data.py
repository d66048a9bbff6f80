"""Small files in the formats in which the public data sets are published, with invented contents."""

import csv
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def beat_times(bpm: float, seconds: float, jitter_s: float = 0.01, seed: int = 0) -> Floats:
    """Beats at a steady rate, each shifted a little, from before 0 to after the end."""
    rng = np.random.default_rng(seed)
    beats = np.arange(-2.0, seconds + 2.0, 60.0 / bpm) + 0.3
    return np.asarray(beats + rng.uniform(-jitter_s, jitter_s, beats.size))


def ecg_signal(beats_s: Floats, seconds: float, rate_hz: int, noise: float = 0.02, seed: int = 0) -> Floats:
    """P, Q, R, S and T as bells around each beat, R of 1 mV at the beat, wandering baseline and noise."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    ecg = 0.3 * np.sin(2.0 * np.pi * 0.2 * time_s)
    waves = (
        (-0.16, 0.1, 0.025),
        (-0.03, -0.12, 0.01),
        (0.0, 1.0, 0.011),
        (0.03, -0.2, 0.01),
        (0.24, 0.3, 0.05),
    )
    for shift_s, height, width_s in waves:
        for beat in beats_s:
            near = np.abs(time_s - beat - shift_s) < 5.0 * width_s
            ecg[near] += height * np.exp(-0.5 * ((time_s[near] - beat - shift_s) / width_s) ** 2)
    return np.asarray(ecg + noise * np.random.default_rng(seed).standard_normal(time_s.size))


def pulse(seconds: float, rate_hz: int, bpm: float = 90.0, channels: int = 1) -> Floats:
    """(channels, T): sines at the heart rate with amplitudes 1, 2 and so on, around 10."""
    phase = 2.0 * np.pi * bpm / 60.0 * np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(10.0 + np.arange(1.0, channels + 1.0)[:, None] * np.sin(phase))


def wrist(seconds: float, rate_hz: int) -> Floats:
    """(3, T) in g: gravity along z and a little movement along x."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.stack([0.1 * np.sin(2.0 * np.pi * 1.5 * time_s), np.zeros(time_s.size), np.ones(time_s.size)])


def rising_labels(count: int, first: float = 70.0) -> Floats:
    """Heart rates that all differ."""
    return first + 0.5 * np.arange(count)


def write_wristband_pickle(path: Path, contents: dict[str, Any]) -> Path:
    """As the UCI archives hold them: protocol 2, with the module names of numpy 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = pickle.dumps(contents, protocol=2)
    path.write_bytes(text.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    return path


def dalia_contents(number: int, seconds: int = 40) -> dict[str, Any]:
    """What S<n>.pkl of PPG-DaLiA holds, of the parts that matter here."""
    return {
        "subject": f"S{number}",
        "signal": {
            "wrist": {"BVP": pulse(seconds, 64).T, "ACC": wrist(seconds, 32).T},
            "chest": {"ECG": np.zeros((70, 1))},
        },
        "label": rising_labels((seconds - 8) // 2 + 1, 60.0 + number),
        "activity": np.zeros((4 * seconds, 1)),
        "rpeaks": np.arange(5),
        "questionnaire": {"AGE": 30, "Gender": " m"},
    }


def wesad_contents(number: int, ecg: Floats, seconds: int) -> dict[str, Any]:
    """What S<n>.pkl of WESAD holds: acceleration in 1/64 g, ECG at 700 Hz, conditions as labels."""
    return {
        "subject": f"S{number}",
        "signal": {
            "wrist": {"BVP": pulse(seconds, 64).T, "ACC": np.rint(64.0 * wrist(seconds, 32)).T},
            "chest": {"ECG": ecg[:, None]},
        },
        "label": np.ones(700 * seconds, np.int32),
    }


def write_ieee(
    folder: Path, name: str, label_name: str, *, ecg: bool, seconds: int = 30, first: float = 80.0
) -> None:
    """A pair of files of the Signal Processing Cup."""
    from scipy.io import savemat

    folder.mkdir(parents=True, exist_ok=True)
    rows = [np.zeros((1, 125 * seconds))] if ecg else []
    savemat(
        folder / name, {"sig": np.concatenate([*rows, pulse(seconds, 125, channels=2), wrist(seconds, 125)])}
    )
    savemat(folder / label_name, {"BPM0": rising_labels((seconds - 8) // 2 + 1, first)[:, None]})


def bami_codes(seconds: int) -> NDArray[np.uint16]:
    """Acceleration as BAMI stores it: 16-bit codes around 32768 for +-8 g."""
    return np.rint(32768.0 + 4096.0 * wrist(seconds, 50)).astype(np.uint16)


def write_wildppg(path: Path, ecg: Floats, seconds: int, *, per_g: float = 1.0, rate_hz: int = 128) -> None:
    """WildPPG_Part_<id>.mat: nested structs of v and fs."""
    from scipy.io import savemat

    def stream(values: Floats) -> dict[str, Any]:
        return {"v": values[None], "fs": np.array([[rate_hz]])}

    axes = dict(zip(("acc_x", "acc_y", "acc_z"), per_g * wrist(seconds, 128), strict=True))
    savemat(
        path,
        {
            "id": "an0",
            "notes": "",
            "wrist": {name: stream(axis) for name, axis in axes.items()}
            | {"ppg_g": stream(pulse(seconds, 128)[0]), "ppg_ir": stream(pulse(seconds, 128)[0])},
            "sternum": {"ecg": stream(ecg)},
        },
    )


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A CSV file with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def write_galaxyppg(participant: Path, seconds: int = 40, *, per_g: float = 9.80665) -> None:
    """One participant: the watch in UTC, the chest strap nine hours ahead, heart rate 60 + seconds since start."""
    start_ms = 1_700_000_000_000
    watch_ms = start_ms + 40 * np.arange(25 * seconds)
    ppg, axes = pulse(seconds, 25)[0], per_g * wrist(seconds, 25)
    watch = participant / "GalaxyWatch"
    write_csv(
        watch / "PPG.csv",
        ("dataReceived", "timestamp", "ppg", "status"),
        ((start_ms, time, value, 0) for time, value in zip(watch_ms, ppg, strict=True)),
    )
    write_csv(
        watch / "ACC.csv",
        ("dataReceived", "timestamp", "x", "y", "z"),
        ((start_ms, time, *vector) for time, vector in zip(watch_ms, axes.T, strict=True)),
    )
    write_csv(
        participant / "PolarH10" / "HR.csv",
        ("phoneTimestamp", "hr", "hrv"),
        ((start_ms + 32_400_000 + 1000 * second, 60 + second, "") for second in range(seconds)),
    )
    write_csv(
        participant / "Event.csv",
        ("timestamp", "session", "status"),
        ((start_ms, "baseline", "ENTER"), (int(watch_ms[-1]) + 40, "baseline", "EXIT")),
    )
