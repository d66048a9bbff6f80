"""An ST X-NUCLEO-LPM01A or STLINK-V3PWR behind a pseudo-terminal, in both formats."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.current_trace import KnownTrace
from tests.support.pty_instrument import PtyInstrument

_STAMP_S = 0.1


@dataclass(frozen=True)
class PowerShieldFaults:
    """What goes wrong.

    Attributes:
        lost: (first sample, how many) that never arrive.
        refused: command that it refuses.
        overcurrent_at: sample from which on the current is too high for it; None for never.
        error_at: sample at which it reports an error of its own; None for never.
        never_stops: it ignores `stop`.
    """

    lost: tuple[tuple[int, int], ...] = ()
    refused: str | None = None
    overcurrent_at: int | None = None
    error_at: int | None = None
    never_stops: bool = False


def encode_binary(current_a: NDArray[np.float64]) -> bytes:
    """The largest exponent at which 12 bits hold the value."""
    exponent = np.clip(np.floor(np.log(4095.0 / np.maximum(current_a, 1e-15)) / np.log(16.0)), 0, 14)
    value = np.clip(np.rint(current_a * 16.0**exponent), 0, 4095)
    return (exponent.astype(np.int64) << 12 | value.astype(np.int64)).astype(">u2").tobytes()


def encode_text(current_a: NDArray[np.float64]) -> bytes:
    lines = []
    for value in current_a:
        exponent = int(np.floor(np.log10(max(value, 1e-15)))) - 3
        lines.append(f"{round(value / 10.0**exponent):04d}{exponent:+03d}\r\n")
    return "".join(lines).encode()


class SimulatedPowerShield(PtyInstrument):
    """Reports `trace` from each start on. `is_stlink` wants `power_monitor` and the output's name."""

    def __init__(
        self,
        trace: KnownTrace,
        faults: PowerShieldFaults = PowerShieldFaults(),
        *,
        is_stlink: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._trace = trace
        self._faults = faults
        self._is_stlink = is_stlink
        self._text = b""
        self._is_binary = False
        self._has_control = False
        self._sample_hz = 100
        self._is_measuring = False
        self.commands: list[str] = []
        self.is_powered = False

    def on_bytes(self, data: bytes) -> None:
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._obey(line.decode("ascii", "replace").strip())

    def _obey(self, command: str) -> None:
        if not command:
            return
        self.commands.append(command)
        word = command.split()[0]
        if word == "stop":
            self._end()
        elif command == self._faults.refused:
            self._say(f"error {command}\r\nError detail: value out of range")
        elif word == ("power_monitor" if self._is_stlink else "htc"):
            self._has_control = True
            self._say(f"ack {command}")
        elif word == "version":
            self._say("ack version 1.0.6")
        elif not self._has_control:
            self._say(f"error {command}\r\nError detail: host has not taken control")
        else:
            self._set(command)

    def _set(self, command: str) -> None:
        output = ["vout"] if self._is_stlink else []
        match command.split():
            case ["format", name]:
                self._is_binary = name == "bin_hexa"
            case ["freq", value]:
                self._sample_hz = int(value.replace("k", "000"))
            case ["pwr", *name, state] if name == output:
                self.is_powered = state == "on"
            case ["volt", *name, _] if name == output:
                pass
            case ["start"]:
                self._say("ack start")
                self._is_measuring = True
                self.send(self._stamp(0))
                self.start_stream()
                return
            case ["output" | "acqtime" | "trigsrc" | "trigdelay", _] | ["hrc"]:
                pass
            case _:
                self._say(f"error {command}\r\nError detail: unknown")
                return
        self._say(f"ack {command}")

    def _say(self, text: str) -> None:
        ending = "\r\n\r\n" if self._is_stlink else "\r\n"
        self.send(f"PowerShield > {text}{ending}".encode())

    def _end(self) -> None:
        if not self._is_measuring or self._faults.never_stops:
            return
        self._is_measuring = False
        self.stop_stream()
        self.send(b"\xf0\xf4\xff\xff" if self._is_binary else b"end\r\n")
        self.send(
            b"summary beg\r\nAverage = 1234-06\r\nsummary end\r\nPowerShield > Acquisition completed\r\n"
        )

    def _stamp(self, milliseconds: int) -> bytes:
        if self._is_binary:
            return b"\xf0\xf3" + milliseconds.to_bytes(4, "big") + b"\x03\xff\xff"
        return f"TimeStamp: {milliseconds // 1000}s {milliseconds % 1000}ms, buff 03%\r\n".encode()

    def stream(self, begin_s: float, end_s: float) -> bytes:
        index = np.arange(round(begin_s * self._sample_hz), round(end_s * self._sample_hz))
        current, _ = self._trace.at(index / self._sample_hz)
        kept = np.ones(len(index), np.bool_)
        for first, count in self._faults.lost:
            kept &= (index < first) | (index >= first + count)
        data = (encode_binary if self._is_binary else encode_text)(current[kept])
        for at, binary, text in (
            (self._faults.overcurrent_at, b"\xf0\xf5\xff\xff", b"Overcurrent\r\n"),
            (self._faults.error_at, b"\xf0\xf1Buffer full\xff\xff", b"error: Buffer full\r\n"),
        ):
            if at is not None and len(index) and index[0] <= at <= index[-1]:
                data += binary if self._is_binary else text
        if round(end_s / _STAMP_S, 6) % 1.0 == 0.0:
            data += self._stamp(round(end_s * 1000.0))
        return data
