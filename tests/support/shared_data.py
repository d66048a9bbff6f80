"""Windows of the recordings and students in ../shared, which are never part of this project.

Pre-processing as described in the READMEs of shared/data and shared/students.
"""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

SHARED = Path(__file__).resolve().parents[3] / "shared"
CARDS = Path(__file__).parents[1] / "fixtures" / "cards"
requires_shared = pytest.mark.skipif(
    not (SHARED / "students" / "pulse_s6.onnx").is_file(),
    reason="the recordings and students of ../shared are not on this machine",
)


def student(name: str) -> Path:
    """ONNX file of a shared student."""
    return SHARED / "students" / f"{name}.onnx"


def _loader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shared_load", SHARED / "data" / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_dalia_windows(path: Path) -> Path:
    """The 215 windows of subject S6 on stairs, in raw units, as a windows file."""
    x, hr, mean, std = _loader().load_dalia(SHARED / "data" / "dalia_s6_stairs.npz")
    raw = x.astype(np.float64) * np.asarray(std)[None, :, None] + np.asarray(mean)[None, :, None]
    np.savez(
        path,
        x=raw[:, None].astype(np.float32),
        hr=hr.astype(np.float32),
        subject=np.full(len(hr), "S6"),
        start_s=2.0 * np.arange(len(hr), dtype=np.float32),
    )
    return path


def write_recording_windows(path: Path, name: str, split: str) -> Path:
    """Windows of the development recordings, filtered as students pulse_dev and resnet2_dev expect."""
    from scipy.signal import sosfilt

    load = _loader()
    settings = json.loads((SHARED / "students" / "preprocess.json").read_text())[name]
    xs, hrs, subjects, starts = [], [], [], []
    for subject, _dataset, signal, hr in load.load_recordings(SHARED / "data" / "wrist_ppg_32hz.npz", split):
        samples = np.asarray(signal, np.float64)
        if settings["fs"] == 25:
            samples = _to_25_hz(samples[:1])
        filtered = sosfilt(np.array(settings["sos"]), samples - samples[:, :1], axis=1)
        windows = load.windows(filtered, settings["fs"])
        xs.append(windows[:, None] if settings["fs"] == 32 else windows)
        hrs.append(hr)
        subjects.append(np.full(len(hr), subject))
        starts.append(2.0 * np.arange(len(hr)))
    np.savez(
        path,
        x=np.concatenate(xs).astype(np.float32),
        hr=np.concatenate(hrs).astype(np.float32),
        subject=np.concatenate(subjects),
        start_s=np.concatenate(starts).astype(np.float32),
    )
    return path


def _to_25_hz(signal: NDArray[np.float64], pad: int = 2048) -> NDArray[np.float64]:
    from scipy.signal import resample_poly

    length = -(-signal.shape[1] * 25 // 32)
    resampled = resample_poly(np.pad(signal, ((0, 0), (pad, pad)), "edge"), 25, 32, axis=1)
    return np.asarray(resampled[:, pad * 25 // 32 :][:, :length])
