"""A Nordic PPK2 behind a pseudo-terminal: it speaks the real protocol, and can be made to misbehave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.current_trace import KnownTrace
from tests.support.pty_instrument import PtyInstrument

SAMPLE_HZ = 100_000
# Made up, of the size that real instruments have.
FACTORS: Mapping[str, tuple[float, ...]] = {
    "R": (1003.3506, 101.5865, 10.3027, 0.9636, 0.0564),
    "GS": (0.0, 112.789, 18.0115, 2.4217, 0.0729),
    "GI": (1.0, 0.9695, 0.9609, 0.9519, 0.9582),
    "O": (112.942, 75.4627, 64.602, 50.4983, 87.2177),
    "S": (0.000000048, 0.000000596, 0.000005281, 0.000062577, 0.002940743),
    "I": (-0.000000104, -0.000001443, 0.000036439, -0.000374119, -0.009388455),
    "UG": (1.0, 1.0, 1.0, 1.0, 1.0),
}
_UP_TO_A = (50e-6, 500e-6, 5e-3, 60e-3)
"""Currents at which the instrument takes the next range."""


def metadata_text(factors: Mapping[str, Sequence[float]] = FACTORS) -> bytes:
    lines = ["Calibrated: 0"]
    lines += [
        f"{name}{number}: {value:.9f}"
        for name, values in factors.items()
        for number, value in enumerate(values)
    ]
    lines += ["VDD: 3700", "HW: 9173", "mode: 2", "IA: 56"]
    return ("\n".join(lines) + "\nEND").encode()


def encode(
    current_a: NDArray[np.float64], digital: NDArray[np.uint8], first_counter: int, voltage_v: float
) -> NDArray[np.uint32]:
    """Sample words: the calibration formula solved for the ADC code."""
    ranges = np.searchsorted(_UP_TO_A, current_a, side="right")
    at = {name: np.array(values)[ranges] for name, values in FACTORS.items()}
    target = current_a / at["UG"] - at["S"] * voltage_v - at["I"]
    quadratic = at["GS"] > 0.0
    safe = np.where(quadratic, at["GS"], 1.0)
    x = np.where(
        quadratic,
        (-at["GI"] + np.sqrt(at["GI"] ** 2 + 4.0 * safe * target)) / (2.0 * safe),
        target / at["GI"],
    )
    adc = np.rint((x * at["R"] * 163840.0 / 1.8 + at["O"]) / 4.0).astype(np.int64)
    counters = (first_counter + np.arange(len(current_a))) % 64
    words = adc | ranges << 14 | counters << 18 | digital.astype(np.int64) << 24
    return words.astype("<u4")


@dataclass(frozen=True)
class Ppk2Faults:
    """What goes wrong.

    Attributes:
        lost: (first sample, how many) that never arrive.
        cut_byte_at: byte of the stream that is missing; None for none.
        unplug_at: sample at which the cable is pulled; None for never.
        metadata: what it answers instead of its own.
        ignored_requests: how many requests for the metadata get no answer.
        is_mute: it takes `start` and sends nothing.
        is_babbling: it sends noise instead of samples.
    """

    lost: tuple[tuple[int, int], ...] = ()
    cut_byte_at: int | None = None
    unplug_at: int | None = None
    metadata: bytes | None = None
    ignored_requests: int = 0
    is_mute: bool = False
    is_babbling: bool = False


class SimulatedPpk2(PtyInstrument):
    """Reports `trace` from each start on, while the board is switched on."""

    def __init__(self, trace: KnownTrace, faults: Ppk2Faults = Ppk2Faults(), **options: Any) -> None:
        super().__init__(**options)
        self._trace = trace
        self._faults = faults
        self._commands = bytearray()
        self._stream_bytes = 0
        self._ignored = 0
        self.voltage_mv: int | None = None
        self.mode: int | None = None
        self.is_powered = False

    def on_bytes(self, data: bytes) -> None:
        self._commands += data
        sizes = {0x06: 1, 0x07: 1, 0x0C: 2, 0x0D: 3, 0x11: 2, 0x19: 1}
        while self._commands and len(self._commands) >= sizes[self._commands[0]]:
            command = bytes(self._commands[: sizes[self._commands[0]]])
            del self._commands[: len(command)]
            self._obey(command)

    def _obey(self, command: bytes) -> None:
        match command[0]:
            case 0x06:
                self._stream_bytes = 0
                if not self._faults.is_mute:
                    self.start_stream()
            case 0x07:
                self.stop_stream()
            case 0x0C:
                self.is_powered = bool(command[1])
            case 0x0D:
                self.voltage_mv = command[1] << 8 | command[2]
            case 0x11:
                self.mode = command[1]
            case 0x19:
                self._ignored += 1
                if self._ignored > self._faults.ignored_requests:
                    self.send(self._faults.metadata or metadata_text())

    def stream(self, begin_s: float, end_s: float) -> bytes:
        index = np.arange(round(begin_s * SAMPLE_HZ), round(end_s * SAMPLE_HZ))
        current, digital = self._trace.at(index / SAMPLE_HZ)
        if not self.is_powered:
            current, digital = np.zeros(len(index)), np.zeros(len(index), np.uint8)
        words = encode(current, digital, int(index[0]) % 64, (self.voltage_mv or 0) / 1000.0)
        kept = np.ones(len(index), np.bool_)
        for first, count in self._faults.lost:
            kept &= (index < first) | (index >= first + count)
        data = words[kept].tobytes()
        if self._faults.is_babbling:
            data = np.random.default_rng(int(index[0])).bytes(len(data))
        cut = self._faults.cut_byte_at
        if cut is not None and self._stream_bytes <= cut < self._stream_bytes + len(data):
            data = data[: cut - self._stream_bytes] + data[cut - self._stream_bytes + 1 :]
        self._stream_bytes += len(data)
        if self._faults.unplug_at is not None and int(index[0]) >= self._faults.unplug_at:
            self.unplug()
        return data
