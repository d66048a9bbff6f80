"""A serial line in simulated time that damages, loses, doubles and delays frames, and a board that restarts."""

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass

from benchmarks.soak.device import RESTART_CAUSES, SoakDevice

_BYTE_S = 10 / 115_200
_RUN_S = 0.004
"""Between the last byte of a request and the first one of its reply."""
_LONGEST_DELAY_S = 3.0
_DELIMITER = b"\0"
_REMEMBERED_FRAMES = 40
_KINDS = (
    *("flipped bits", "dropped bytes", "doubled bytes", "cut off", "lost"),
    *("sent twice", "noise", "old frame", "delayed"),
)


@dataclass(frozen=True)
class Weather:
    """Probabilities per frame, in each direction."""

    damage: float = 0.1
    restart: float = 0.002


class SoakLine:
    """`SerialStream` to `device`. The same seed makes the same faults; `now` is the simulated time in seconds."""

    def __init__(self, device: SoakDevice, *, seed: int, weather: Weather) -> None:
        self.timeout: float | None = None
        self.now = 0.0
        self.faults: Counter[str] = Counter()
        self._device = device
        self._random = random.Random(seed)
        self._weather = weather
        self._order = itertools.count()
        self._due: list[tuple[float, int, bool, bytes]] = []
        self._ready = bytearray()
        self._past: dict[bool, list[bytes]] = {True: [], False: []}
        self._crashes = 0
        self._send(device.take(), to_device=False)

    def write(self, data: bytes, /) -> int | None:
        """See `SerialStream.write`; one call holds one frame."""
        self._send(data, to_device=True)
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        """See `SerialStream.read`."""
        limit = self.now + (self.timeout or 0.0)
        while len(self._ready) < size and self._due and self._due[0][0] <= limit:
            self.now, _, to_device, data = heapq.heappop(self._due)
            if to_device:
                self._deliver(data)
            else:
                self._ready += data
        if not self._ready:
            self.now = limit
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def close(self) -> None:
        """See `SerialStream.close`."""
        self._due.clear()

    def _deliver(self, data: bytes) -> None:
        if self._random.random() >= self._weather.restart:
            self._send(self._device.feed(data), to_device=False)
            return
        # The board restarts in the middle of a frame.
        begun = self._device.feed(data[: self._random.randrange(len(data) + 1)])
        cause = self._random.choice([*RESTART_CAUSES, "fault"])
        self.faults[f"restart: {cause}"] += 1
        self._crashes += 1
        after = self._device.crash(self._crashes) if cause == "fault" else self._device.restart(cause)
        self._send(begun[: self._random.randrange(len(begun) + 1)] + after, to_device=False)

    def _send(self, data: bytes, *, to_device: bool) -> None:
        """Put each frame of `data` onto the line."""
        at = self.now + (0.0 if to_device else _RUN_S)
        for frame in _frames(data):
            for late_s, piece in self._weathered(frame, self._past[to_device]):
                at += len(piece) * _BYTE_S
                heapq.heappush(self._due, (at + late_s, next(self._order), to_device, piece))

    def _weathered(self, frame: bytes, past: list[bytes]) -> list[tuple[float, bytes]]:
        """The pieces that arrive instead of `frame`, and how late each of them is."""
        past.append(frame)
        del past[:-_REMEMBERED_FRAMES]
        if self._random.random() >= self._weather.damage:
            return [(0.0, frame)]
        position, count = self._random.randrange(len(frame)), self._random.randint(1, 8)
        kind = self._random.choice(_KINDS)
        self.faults[kind] += 1
        match kind:
            case "flipped bits":
                flipped = bytearray(frame)
                for _ in range(count):
                    flipped[self._random.randrange(len(frame))] ^= 1 << self._random.randrange(8)
                return [(0.0, bytes(flipped))]
            case "dropped bytes":
                return [(0.0, frame[:position] + frame[position + count :])]
            case "doubled bytes":
                return [(0.0, frame[: position + count] + frame[position:])]
            case "cut off":
                return [(0.0, frame[:position])]
            case "lost":
                return []
            case "sent twice":
                return [(0.0, frame), (0.0, frame)]
            case "noise":
                return [(0.0, self._random.randbytes(20 * count) + frame)]
            case "old frame":
                return [(0.0, frame), (0.0, self._random.choice(past))]
            case _:
                return [(self._random.uniform(0.0, _LONGEST_DELAY_S), frame)]


def _frames(data: bytes) -> list[bytes]:
    """`data` in pieces of one frame each, delimiters included."""
    pieces, start = [], 0
    while start < len(data):
        end = data.find(_DELIMITER, start + 1)
        end = len(data) if end < 0 else end + 1
        pieces.append(data[start:end])
        start = end
    return pieces
