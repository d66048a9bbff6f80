"""Decoding the sample stream of an ST X-NUCLEO-LPM01A or STLINK-V3PWR, both formats.

Facts from the instrument's own `help` text (as MLCommons' tiny runner quotes it) and from Zephyr's
power-twister-harness, both of which follow ST's UM2269:

* `ascii_dec`: a line `6409-07` is 6409e-7 A; `TimeStamp: 1s 250ms, buff 03%` comes between, and text.
* `bin_hexa`: two bytes, most significant first: `52A0` is 0x2A0 * 16^-5 A. Metadata begin F0, then a type, and end
  FF FF: F1 error text, F2 information, F3 time stamp (4 bytes ms, 1 byte buffer load in %), F4 end of acquisition,
  F5 overcurrent. No sample begins with a byte from F0 on, so exponent 15 is theirs.

A binary run begins with a time stamp; what comes before it is the end of the answer to `start`. Samples carry no
counter. The time stamps do: when fewer samples came between two of them than their distance holds, some were lost,
nobody knows where, and the whole stretch counts as lost.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import DeviceError

_ERROR, _INFORMATION, _TIME_STAMP, _END, _OVERCURRENT = 0xF1, 0xF2, 0xF3, 0xF4, 0xF5
_FIRST_OF_METADATA = 0xF0
_TAIL = b"\xff\xff"
_TIME_STAMP_BYTES = 9
_LONGEST_TEXT = 512
_METADATA_START = re.compile(rb"\xf0[\xf1-\xf5]")
_SAMPLE_LINE = re.compile(rb"^\x00*(\d{4})([+-]\d{2})$")
_TIME_LINE = re.compile(rb"TimeStamp: (\d+)s (\d+)ms", re.IGNORECASE)
_STAMP_MASK = 0x7FFFFFFF
_STAMP_TOLERANCE_S = 0.0015
"""Time stamps are whole milliseconds."""


@dataclass
class Stretches:
    """Samples up to each time stamp, with their numbers; see the module."""

    sample_hz: float
    _waiting: list[NDArray[np.float64]] = field(default_factory=list)
    _next_index: int = 0
    _stamp_ms: int | None = None
    _stamp_index: int = 0
    _is_spoilt: bool = False

    def add(self, current_a: NDArray[np.float64]) -> None:
        """Samples that came."""
        if len(current_a):
            self._waiting.append(current_a)

    def spoil(self) -> None:
        """Something came that is neither sample nor metadata: this stretch is not to be trusted."""
        self._is_spoilt = True

    def stamp(self, time_ms: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """A time stamp came: numbers and samples of the stretch that it ends; none when some of them were lost."""
        previous = self._stamp_ms
        self._stamp_ms = time_ms
        is_spoilt = self._is_spoilt
        index, current = self.rest()
        if previous is not None and time_ms > previous:
            due = (time_ms - previous) / 1000.0 * self.sample_hz
            came = self._next_index - self._stamp_index
            if is_spoilt or due - came > max(2.0, _STAMP_TOLERANCE_S * self.sample_hz):
                self._next_index = self._stamp_index + round(due)
                index, current = np.zeros(0, np.int64), np.zeros(0)
        self._stamp_index = self._next_index
        return index, current

    def rest(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers and samples of what came since the last time stamp, at the end of a run."""
        current = np.concatenate(self._waiting) if self._waiting and not self._is_spoilt else np.zeros(0)
        self._waiting = []
        self._is_spoilt = False
        index = self._next_index + np.arange(len(current))
        self._next_index += len(current)
        return index, current


class BinaryDecoder:
    """Format `bin_hexa`."""

    def __init__(self, stretches: Stretches, name: str) -> None:
        self._stretches = stretches
        self._name = name
        self._rest = b""
        self._is_in_step = False
        self.has_ended = False

    def feed(self, data: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Numbers and samples of every stretch that is complete.

        Raises:
            DeviceError: the instrument reports an error or too high a current.
        """
        data = self._rest + data
        complete = []
        at = 0
        if not self._is_in_step:
            at = self._next_start(data, 0)
        while self._is_in_step and at < len(data) and not self.has_ended:
            stop = _next_metadata(data, at)
            even = at + (stop - at) // 2 * 2
            self._stretches.add(_binary_samples(data[at:even]))
            at = even
            if at + 1 >= len(data):
                break
            size = _metadata_bytes(data, at)
            if size is None:
                break
            if size == 0:
                self._stretches.spoil()
                at = self._next_start(data, at + 1)
                continue
            complete += self._obey(data[at : at + size])
            at += size
        self._rest = data[at:]
        return complete

    def _next_start(self, data: bytes, at: int) -> int:
        """Where metadata begin, from `at` on; no two bytes of samples look like it. Else the last byte."""
        found = _METADATA_START.search(data, at)
        self._is_in_step = found is not None
        return max(len(data) - 1, 0) if found is None else found.start()

    def _obey(self, metadata: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        kind = metadata[1]
        if kind == _TIME_STAMP:
            return [self._stretches.stamp(int.from_bytes(metadata[2:6], "big") & _STAMP_MASK)]
        if kind == _ERROR:
            raise _reported(self._name, metadata[2:-2])
        if kind == _OVERCURRENT:
            raise overcurrent(self._name)
        self.has_ended = self.has_ended or kind == _END
        return []


class TextDecoder:
    """Format `ascii_dec`."""

    def __init__(self, stretches: Stretches, name: str) -> None:
        self._stretches = stretches
        self._name = name
        self._rest = b""
        self.has_ended = False

    def feed(self, data: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Numbers and samples of every stretch that is complete.

        Raises:
            DeviceError: the instrument reports an error or too high a current.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        complete = []
        values = []
        for line in lines:
            text = line.strip()
            sample = _SAMPLE_LINE.match(text)
            if sample is not None:
                values.append(float(sample[1] + b"e" + sample[2]))
                continue
            self._stretches.add(np.array(values, np.float64))
            values = []
            complete += self._obey(text)
            if self.has_ended:
                break
        self._stretches.add(np.array(values, np.float64))
        return complete

    def _obey(self, text: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        stamp = _TIME_LINE.search(text)
        if stamp is not None:
            return [self._stretches.stamp(int(stamp[1]) * 1000 + int(stamp[2]))]
        lower = text.lower()
        if b"overcurrent" in lower:
            raise overcurrent(self._name)
        if lower.startswith((b"error", b"err ")):
            raise _reported(self._name, text)
        self.has_ended = lower == b"end" or b"acquisition completed" in lower
        return []


def overcurrent(name: str) -> DeviceError:
    """The board takes more than the instrument can measure."""
    return DeviceError(
        f"{name} reports overcurrent: it switched the board off",
        hint="it measures up to 50 mA: remove what else hangs on the supply, or use another instrument",
    )


def _reported(name: str, text: bytes) -> DeviceError:
    said = text.decode("ascii", "replace").strip("\r\n\0 ")
    return DeviceError(f"{name} reports: {said}", hint="unplug it and plug it in again, then measure again")


def _next_metadata(data: bytes, at: int) -> int:
    """Where, from `at` on, the first byte of a sample is one of metadata; the end when nowhere."""
    first_bytes = np.frombuffer(data, np.uint8, offset=at)[::2]
    found = np.flatnonzero(first_bytes >= _FIRST_OF_METADATA)
    return at + 2 * int(found[0]) if len(found) else len(data)


def _metadata_bytes(data: bytes, at: int) -> int | None:
    """Size of the metadata at `at`; None while they are incomplete; 0 where none begin."""
    kind = data[at + 1]
    if data[at] != _FIRST_OF_METADATA or kind < _ERROR:
        return 0
    if kind == _TIME_STAMP:
        # Its four bytes of time may hold FF FF themselves.
        if len(data) < at + _TIME_STAMP_BYTES:
            return None
        return _TIME_STAMP_BYTES if data[at + 7 : at + 9] == _TAIL else 0
    end = data.find(_TAIL, at + 2, at + 2 + _LONGEST_TEXT)
    if end >= 0:
        return end + len(_TAIL) - at
    return None if len(data) < at + 2 + _LONGEST_TEXT else 0


def _binary_samples(data: bytes) -> NDArray[np.float64]:
    words = np.frombuffer(data, ">u2").astype(np.int64)
    return np.asarray((words & 0x0FFF) * 16.0 ** -(words >> 12))
