"""Windows of 8 s, one every 2 s, from recordings."""

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from models.data.recording import STRIDE_S, WINDOW_S, Recording
from models.synth import WindowSet
from ppg_deploy.errors import InputError


class Layout(Enum):
    """Shape of one window as a model takes it, without the batch: (1, C, T) or (C, T)."""

    IMAGE = "image"
    SEQUENCE = "sequence"


def cut(recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The windows that have a reference heart rate.

    Returns:
        x (K, 4, 8 rate) float32 in the recording's units; hr (K,) float32 in BPM; start_s (K,) float32.
    """
    labelled = np.flatnonzero(np.isfinite(recording.hr))
    samples = labelled[:, None] * STRIDE_S * recording.rate_hz + np.arange(WINDOW_S * recording.rate_hz)
    x = recording.signal[:, samples].transpose(1, 0, 2)
    return np.ascontiguousarray(x), recording.hr[labelled], (labelled * STRIDE_S).astype(np.float32)


def window_set(
    recordings: Sequence[Recording], layout: Layout = Layout.IMAGE, channels: Sequence[int] = (0, 1, 2, 3)
) -> WindowSet:
    """Labelled windows of several recordings, recording by recording, in time order.

    Args:
        recordings: all at one rate.
        layout: shape of one window.
        channels: which of PPG (0) and acceleration x, y, z (1 to 3), in this order.

    Raises:
        InputError: no recordings, or of different rates.
    """
    rates = sorted({recording.rate_hz for recording in recordings})
    if len(rates) != 1:
        raise InputError(f"recordings at {rates} Hz", hint="give recordings, all processed to one rate")
    parts = [cut(recording) for recording in recordings]
    x = np.concatenate([part[0][:, list(channels)] for part in parts])
    return WindowSet(
        x=x[:, None] if layout is Layout.IMAGE else x,
        hr=np.concatenate([part[1] for part in parts]),
        subject=np.concatenate(
            [
                np.full(part[1].size, recording.subject)
                for part, recording in zip(parts, recordings, strict=True)
            ]
        ),
        start_s=np.concatenate([part[2] for part in parts]),
    )
