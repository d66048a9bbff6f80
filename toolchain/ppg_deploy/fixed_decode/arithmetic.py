"""The integer arithmetic of docs/decoders.md in numpy; firmware/decode/ppg_decode.c is its twin."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.fixed_decode.settings import (
    BPM_BITS,
    FRACTION_BITS,
    SCALE_BITS,
    WEIGHT_BITS,
    WIDTH_BITS,
    DecoderSettings,
    FilterSettings,
)

Codes = NDArray[np.int8] | NDArray[np.int16]
Fixed = NDArray[np.int32]
_Wide = NDArray[np.int64]


def decode_codes(settings: DecoderSettings, codes: Codes) -> Fixed:
    """Heart rate (N,) in BPM with 16 fraction bits from output codes (N, outputs)."""
    wide = codes.reshape(len(codes), settings.outputs).astype(np.int64)
    answer = _scalar(settings, wide[:, 0]) if settings.is_scalar else _classes(settings, wide)
    return np.clip(answer, settings.low_q16, settings.high_q16).astype(np.int32)


def to_bpm(fixed: Fixed) -> NDArray[np.float64]:
    """Fixed-point heart rates in BPM."""
    return fixed.astype(np.float64) / (1 << BPM_BITS)


def _rounded_shift(value: _Wide, bits: int) -> _Wide:
    """value / 2**bits, halves rounded up (towards plus infinity)."""
    return np.asarray((value + (1 << (bits - 1))) >> bits, np.int64)


def _scalar(settings: DecoderSettings, code: _Wide) -> _Wide:
    return _rounded_shift((code - settings.zero_point) * settings.scale_q32, SCALE_BITS - BPM_BITS)


def _classes(settings: DecoderSettings, codes: _Wide) -> _Wide:
    # The first of equal maxima, as numpy's argmax has it.
    peak: _Wide = codes.argmax(axis=1).astype(np.int64)
    position = peak << BPM_BITS
    if settings.radius > 0:
        position = _expected_bin(settings, codes, peak)
    return settings.first_q16 + _rounded_shift(position * settings.width_q24, WIDTH_BITS)


def _expected_bin(settings: DecoderSettings, codes: _Wide, peak: _Wide) -> _Wide:
    """Weighted mean of the bins near the peak, with 16 fraction bits, rounded down."""
    index = np.arange(settings.outputs, dtype=np.int64)
    below = np.take_along_axis(codes, peak[:, None], axis=1) - codes
    weights = _weights(settings, below) * (np.abs(index - peak[:, None]) <= settings.radius)
    total = weights.sum(axis=1)
    moment = (weights * index).sum(axis=1)
    return np.asarray(((moment // total) << BPM_BITS) + ((moment % total) << BPM_BITS) // total, np.int64)


def _weights(settings: DecoderSettings, below: _Wide) -> _Wide:
    fine = np.array(settings.fine, np.int64)
    if settings.code_bytes == 1:
        return np.asarray(fine[below], np.int64)
    coarse = np.array(settings.coarse, np.int64)
    return _rounded_shift(fine[below & 255] * coarse[below >> 8], WEIGHT_BITS)


@dataclass
class ClipFilterState:
    """The clip filter between two answers: the last `history` limited answers, oldest first."""

    settings: FilterSettings
    limited: list[int] = field(default_factory=list)

    def restart(self) -> None:
        """Forget the past, as at the start of a recording."""
        self.limited.clear()

    def next(self, answer: int) -> int:
        """The limited answer; both in BPM with 16 fraction bits."""
        history = self.settings.history
        if len(self.limited) == history:
            # Halves up; answers are positive.
            mean = (sum(self.limited) + history // 2) // history
            margin = (mean * self.settings.fraction_q24 + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS
            answer = min(max(answer, mean - margin), mean + margin)
            del self.limited[0]
        self.limited.append(answer)
        return answer


def filter_answers(settings: FilterSettings, answers: Fixed) -> Fixed:
    """One recording's answers (N,) in BPM with 16 fraction bits, each limited by those before it."""
    state = ClipFilterState(settings)
    return np.array([state.next(int(answer)) for answer in answers], np.int32)
