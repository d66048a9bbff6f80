"""From the model's numbers to beats per minute: decoding and the causal post-filter."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.card import ClassesOutput, ClipFilter, OutputCard, StudentCard
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows

Numbers = NDArray[np.float64]


def check_outputs(card: OutputCard, outputs: int) -> None:
    """Raise InputError when the number of model outputs contradicts the card's decode rule."""
    if isinstance(card, ClassesOutput):
        if outputs < 2:
            raise InputError(
                f"field output.decode: {card.decode} needs one output per bin, the model has {outputs}",
                hint='use decode = "scalar" in the card',
            )
    elif outputs != 1:
        raise InputError(
            f"field output.decode: scalar needs exactly one output, the model has {outputs}",
            hint='use decode = "argmax", "expectation" or "local_expectation" with first_bin_bpm and bin_width_bpm',
        )


def decode_bpm(card: OutputCard, outputs: NDArray[np.floating]) -> Numbers:
    """Heart rate (N,) in BPM from real-valued outputs (N, outputs), limited to card.valid_bpm."""
    values = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    bpm = values[:, 0] if not isinstance(card, ClassesOutput) else _decode_classes(card, values)
    return np.asarray(np.clip(bpm, *card.valid_bpm), np.float64)


def _decode_classes(card: ClassesOutput, logits: Numbers) -> Numbers:
    bins: Numbers = card.first_bin_bpm + card.bin_width_bpm * np.arange(logits.shape[1], dtype=np.float64)
    # The first of equal maxima.
    peak = logits.argmax(axis=1)
    if card.decode == "argmax":
        return np.asarray(bins[peak], np.float64)
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    if card.decode == "local_expectation":
        distance = np.abs(np.arange(logits.shape[1]) - peak[:, None])
        weights = weights * (distance <= card.half_width_bins)
    return np.asarray((weights * bins).sum(axis=1) / weights.sum(axis=1), np.float64)


def clip_filter(settings: ClipFilter, bpm: Numbers) -> Numbers:
    """One recording's answers (N,), each limited by those before it."""
    limited = np.array(bpm, np.float64)
    for index in range(settings.history, len(limited)):
        mean = limited[index - settings.history : index].mean()
        limited[index] = np.clip(
            limited[index], mean * (1.0 - settings.fraction), mean * (1.0 + settings.fraction)
        )
    return limited


def post_filter(card: StudentCard, bpm: Numbers, windows: Windows) -> Numbers:
    """Filtered answers (N,); the filter starts afresh with each recording. Unchanged without a post-filter."""
    if card.post_filter is None:
        return bpm
    filtered = np.array(bpm, np.float64)
    for recording in windows.recordings(card.input.stride_s):
        filtered[recording] = clip_filter(card.post_filter, filtered[recording])
    return filtered
