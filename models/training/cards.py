"""Cards of trained students, and windows as a card and a network want them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.losses.bins import FIRST_BIN_BPM
from models.synth import CHANNELS, SAMPLE_RATE_HZ, STRIDE_SAMPLES, WINDOW_SAMPLES
from models.training.resampling import resampled
from ppg_deploy.card import (
    Channel,
    ClassesOutput,
    ClipFilter,
    FixedChannel,
    InputCard,
    OutputCard,
    ScalarOutput,
    StudentCard,
    WindowChannel,
)
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows, normalise

Floats = NDArray[np.float32]
PpgNormalisation = Literal["fixed", "window"]
_WINDOW_S = WINDOW_SAMPLES / SAMPLE_RATE_HZ
_STRIDE_S = STRIDE_SAMPLES / SAMPLE_RATE_HZ
_VALID_BPM = (30.0, 210.0)


def card_from_windows(name: str, x: Floats, *, classes: bool, ppg: PpgNormalisation) -> StudentCard:
    """Card whose constants are the mean and standard deviation of each channel of the training windows.

    Args:
        name: of the student.
        x: raw training windows (N, *input shape); the last axis holds 8 s.
        classes: the student answers with logits over 180 bins; otherwise with a heart rate.
        ppg: "fixed" normalises the PPG with constants like the other channels, "window" by each window.

    Raises:
        InputError: neither one channel nor four, or one that never changes.
    """
    signals = x.reshape(len(x), -1, x.shape[-1]).astype(np.float64)
    if signals.shape[1] not in (1, len(CHANNELS)):
        raise InputError(
            f"windows have {signals.shape[1]} channels",
            hint=f"give PPG alone, or {', '.join(CHANNELS)} in this order",
        )
    channels: list[Channel] = []
    for index, channel in enumerate(CHANNELS[: signals.shape[1]]):
        mean, std = float(signals[:, index].mean()), float(signals[:, index].std())
        if round(std, 6) <= 0.0:
            raise InputError(f"channel {channel} is constant in all training windows", hint="check the data")
        if channel == "PPG" and ppg == "window":
            channels.append(WindowChannel(name=channel, normalise="window"))
        else:
            channels.append(
                FixedChannel(name=channel, normalise="fixed", mean=round(mean, 6), std=round(std, 6))
            )
    return _card(name, x.shape[-1] / _WINDOW_S, channels, classes=classes)


def as_network_input(x: Floats, input_shape: tuple[int, ...]) -> Floats:
    """Raw windows of 8 s in a network's channels and sampling rate, (N, *input_shape).

    Args:
        x: (N, 1, C, T) or (N, C, T); PPG first.
        input_shape: of the network, without the batch; the last axis is time.

    A network of one channel gets the PPG. Another number of samples is reached by resampling each window on its own.

    Raises:
        InputError: the network wants channels that the windows do not have.
    """
    signals = x.reshape(len(x), -1, x.shape[-1])
    wanted = int(np.prod(input_shape[:-1]))
    if wanted > signals.shape[1] or (wanted < signals.shape[1] and wanted != 1):
        raise InputError(
            f"the network takes {wanted} channels, the windows have {signals.shape[1]}",
            hint="choose a network of as many channels, or one that takes PPG alone",
        )
    return resampled(signals[:, :wanted], input_shape[-1]).reshape(len(x), *input_shape)


def normalised(x: Floats, card: StudentCard) -> Floats:
    """Raw windows (N, *input shape) as the network takes them; what `ppg-deploy` does with the same card."""
    return normalise(Windows(Path("training windows"), x, None, None, None), card)


def _card(name: str, sample_rate_hz: float, channels: Sequence[Channel], *, classes: bool) -> StudentCard:
    output: OutputCard = ScalarOutput(decode="scalar", valid_bpm=_VALID_BPM)
    if classes:
        output = ClassesOutput(
            decode="local_expectation", first_bin_bpm=FIRST_BIN_BPM, bin_width_bpm=1.0, valid_bpm=_VALID_BPM
        )
    return StudentCard(
        schema=1,
        name=name,
        input=InputCard(
            sample_rate_hz=sample_rate_hz, window_s=_WINDOW_S, stride_s=_STRIDE_S, channel=tuple(channels)
        ),
        output=output,
        post_filter=ClipFilter(),
    )
