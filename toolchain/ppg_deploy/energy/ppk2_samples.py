"""Decoding the sample words of a Nordic PPK2: counter, range, calibration, spike filter.

Facts, not code, from Nordic's own desktop application (pc-nrfconnect-ppk, src/device/serialDevice.ts): 32-bit words,
little-endian: bits 0-13 ADC, 14-16 range, 18-23 counter, 24-31 digital inputs. With a = 4 * ADC,

    x = (a - O[range]) * (1.8 / 163840) / R[range]
    current in A = UG[range] * (x * (GS[range] * x + GI[range]) + S[range] * voltage + I[range])

Its spike filter replaces three samples from each change of range on by a running average: of weight 0.18 for a new
sample, or 0.06 in range 4, where the first two of the three do not enter the averages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RANGES = 5
COUNTER_STEPS = 64
WORD_BYTES = 4
_ADC_V = 1.8 / 163840.0
_SPIKE_SAMPLES = 3
_ALPHA, _ALPHA_RANGE_4 = 0.18, 0.06
_SEGMENT = 512
"""(1 - alpha) to this power is 1e-44: far from both limits of a double."""
_ALIGNMENT_WORDS = 16
"""So many counters in a row are right by chance once in 64^15."""

DEFAULT_R = (1031.64, 101.65, 10.15, 0.94, 0.043)
_DEFAULTS: Mapping[str, tuple[float, ...]] = {
    "R": DEFAULT_R,
    "GS": (1.0,) * RANGES,
    "GI": (1.0,) * RANGES,
    "O": (0.0,) * RANGES,
    "S": (0.0,) * RANGES,
    "I": (0.0,) * RANGES,
    "UG": (1.0,) * RANGES,
}


@dataclass(frozen=True)
class Calibration:
    """Factors per range, and other lines of the metadata text. A factor that is 0, nan or missing has its default."""

    factors: Mapping[str, NDArray[np.float64]]
    missing: tuple[str, ...]
    """Factors that had to be taken from the defaults because the text lacks them or says nan."""

    def current_a(
        self, adc: NDArray[np.int64], ranges: NDArray[np.int64], voltage_v: float
    ) -> NDArray[np.float64]:
        """Current in A of ADC codes (N,) taken in ranges (N,)."""
        at = {name: values[ranges] for name, values in self.factors.items()}
        x = (4.0 * adc - at["O"]) * (_ADC_V / at["R"])
        return np.asarray(at["UG"] * (x * (at["GS"] * x + at["GI"]) + (at["S"] * voltage_v + at["I"])))


def calibration_of(metadata: Mapping[str, str]) -> Calibration:
    """The factors in the lines of the metadata, such as `R0: 1003.3506`."""
    factors, missing = {}, []
    for name, defaults in _DEFAULTS.items():
        values = []
        for number, default in enumerate(defaults):
            value = _number(metadata.get(f"{name}{number}"))
            if value is None:
                missing.append(f"{name}{number}")
            values.append(value or default)
        factors[name] = np.array(values, np.float64)
    return Calibration(factors, tuple(missing))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


@dataclass
class _Average:
    """Exponential average of a sequence that arrives in pieces."""

    alpha: float
    value: float | None = None

    def over(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The average after each of `x`."""
        out = np.empty(len(x))
        for start in range(0, len(x), _SEGMENT):
            part = x[start : start + _SEGMENT]
            before = float(part[0]) if self.value is None else self.value
            decay = (1.0 - self.alpha) ** np.arange(1, len(part) + 1)
            out[start : start + len(part)] = decay * (before + self.alpha * np.cumsum(part / decay))
            self.value = float(out[start + len(part) - 1])
        return out


@dataclass
class SpikeFilter:
    """Nordic's filter of the spikes that a change of range leaves."""

    _fast: _Average = field(default_factory=lambda: _Average(_ALPHA))
    _slow: _Average = field(default_factory=lambda: _Average(_ALPHA_RANGE_4))
    _last_range: int | None = None
    _since_change: int = _SPIKE_SAMPLES

    def filtered(self, current_a: NDArray[np.float64], ranges: NDArray[np.int64]) -> NDArray[np.float64]:
        """The samples (N,) with those after a change of range replaced."""
        if not len(current_a):
            return current_a
        before = ranges[0] if self._last_range is None else self._last_range
        changed = np.diff(ranges, prepend=before) != 0
        position = np.arange(len(ranges))
        latest = np.maximum.accumulate(np.where(changed, position, -1 - self._since_change))
        since = position - latest
        spike = since < _SPIKE_SAMPLES
        held = spike & (ranges == RANGES - 1) & (since < 2)
        fast = _held(self._fast, current_a, held)
        slow = _held(self._slow, current_a, held)
        self._last_range = int(ranges[-1])
        self._since_change = min(int(since[-1]), _SPIKE_SAMPLES)
        return np.where(spike, np.where(ranges == RANGES - 1, slow, fast), current_a)


def _held(average: _Average, x: NDArray[np.float64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The average after each of `x`, of which those that are `held` do not enter."""
    first = float(x[0]) if average.value is None else average.value
    values = np.concatenate([[first], average.over(x[~held])])
    return np.asarray(values[np.cumsum(~held)])


@dataclass
class WordStream:
    """Bytes in, words with their running numbers out.

    The counter of 6 bits tells how many words are missing, modulo 64. A word whose counter is wrong while the next
    one's is right again is damaged: it counts as lost. When the counters of many words in a row make no sense, bytes
    are missing; the words are then looked for at another byte.
    """

    _rest: bytes = b""
    _next_index: int = 0
    _next_counter: int | None = None
    realigned: int = 0
    """How often words had to be looked for at another byte."""

    def words(self, data: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Numbers (N,) and words (N,) of what is complete."""
        data = self._rest + data
        keep = _ALIGNMENT_WORDS * WORD_BYTES
        # The last words wait for their successors, by which damaged ones are told from missing ones.
        if len(data) < 2 * keep:
            self._rest = data
            return np.zeros(0, np.int64), np.zeros(0, np.uint32)
        return self._aligned(data, (len(data) - keep) // WORD_BYTES * WORD_BYTES)

    def rest(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """What still waits, at the end of a run."""
        data, self._rest = self._rest, b""
        words = np.frombuffer(data[: len(data) // WORD_BYTES * WORD_BYTES], "<u4")
        return self._numbered(words, words)

    def _aligned(self, data: bytes, usable: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        indices, found = [], []
        offset = 0
        while offset < usable:
            words = np.frombuffer(data, "<u4", (len(data) - offset) // WORD_BYTES, offset)
            wanted = -(-(usable - offset) // WORD_BYTES)
            broken = _first_nonsense(words, wanted)
            count = wanted if broken is None else broken
            index, good = self._numbered(words[:count], words)
            indices.append(index)
            found.append(good)
            offset += count * WORD_BYTES
            if broken is not None:
                offset = self._realign(data, offset)
        self._rest = data[offset:]
        return np.concatenate(indices), np.concatenate(found)

    def _realign(self, data: bytes, offset: int) -> int:
        """The first byte from `offset` on at which sensible words begin."""
        self.realigned += 1
        end = len(data) - _ALIGNMENT_WORDS * WORD_BYTES
        while offset < end:
            offset += 1
            words = np.frombuffer(data, "<u4", _ALIGNMENT_WORDS, offset)
            if _first_nonsense(words, _ALIGNMENT_WORDS - 1) is None and _steps(words).any():
                break
        return offset

    def _numbered(
        self, words: NDArray[np.uint32], context: NDArray[np.uint32]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Numbers for `words`; `context` begins with them and goes on with what follows."""
        if not len(words):
            return np.zeros(0, np.int64), words
        counters = _counters(words)
        following = _counters(context[: len(words) + 1])
        expected = int(counters[0]) if self._next_counter is None else self._next_counter
        deltas = np.diff(counters, prepend=(expected - 1) % COUNTER_STEPS) % COUNTER_STEPS
        index = np.empty(len(words), np.int64)
        good = np.ones(len(words), np.bool_)
        shift = 0
        start = 0
        for position in np.flatnonzero(deltas != 1):
            at = int(position)
            index[start:at] = self._next_index + shift + np.arange(start, at)
            due = (expected + at + shift) % COUNTER_STEPS
            jump = (int(counters[at]) - due) % COUNTER_STEPS
            start = at
            if jump == 0:
                continue  # the word after a damaged one
            if at + 1 < len(following) and (int(following[at + 1]) - due) % COUNTER_STEPS == 1:
                good[at] = False
                continue
            shift += jump
        index[start:] = self._next_index + shift + np.arange(start, len(words))
        ranges = (words >> 14) & 7
        good &= ranges < RANGES
        self._next_index += shift + len(words)
        self._next_counter = (expected + shift + len(words)) % COUNTER_STEPS
        return index[good], words[good]


def _counters(words: NDArray[np.uint32]) -> NDArray[np.int64]:
    return ((words >> np.uint32(18)) & np.uint32(COUNTER_STEPS - 1)).astype(np.int64)


def _steps(words: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether each word's counter follows that of the one before it."""
    return np.asarray(np.diff(_counters(words)) % COUNTER_STEPS == 1)


def _first_nonsense(words: NDArray[np.uint32], wanted: int) -> int | None:
    """The last word, among the first `wanted`, before half of the next counters or more are wrong; None when none is.

    That word is not to be trusted either: the missing byte may be its last one.
    """
    wrong = ~_steps(words)
    if not wrong.any():
        return None
    window = _ALIGNMENT_WORDS - 1
    totals = np.concatenate([[0], np.cumsum(wrong)])
    starts = np.flatnonzero(wrong[: max(0, min(wanted, len(wrong) - window + 1))])
    bad = starts[totals[starts + window] - totals[starts] >= window // 2]
    return int(bad[0]) if len(bad) else None
