"""The pseudo-terminal and the clock of a simulated instrument."""

import contextlib
import os
import select
import threading
import time
import tty
from typing import Self

_POLL_S = 0.002
_CHUNK_S = 0.01


class PtyInstrument:
    """An instrument at a serial port of this machine. `port` is its name.

    A subclass says how it answers (`on_bytes`) and what it sends while it measures (`stream`).

    Args:
        speed: its seconds per second.
        greeting: sent as soon as the port exists: what is still on the line from before.
        answer_delay_s: it is slow.
    """

    def __init__(self, *, speed: float = 1.0, greeting: bytes = b"", answer_delay_s: float = 0.0) -> None:
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.port = os.ttyname(self._theirs)
        self._speed = speed
        self._out = bytearray(greeting)
        self._answer_delay_s = answer_delay_s
        self._stop = threading.Event()
        self._started: float | None = None
        self._sent_s = 0.0
        self.received = bytearray()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def on_bytes(self, data: bytes) -> None:
        """The host has sent `data`."""
        raise NotImplementedError

    def stream(self, begin_s: float, end_s: float) -> bytes:
        """What the instrument sends for this stretch of its time."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Answer something."""
        self._out += data

    def start_stream(self) -> None:
        self._started = time.monotonic()
        self._sent_s = 0.0

    def stop_stream(self) -> None:
        self._started = None

    def unplug(self) -> None:
        """The other end sees its port vanish."""
        self._stop.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        with contextlib.suppress(OSError):
            os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        while not self._stop.is_set():
            readable, writable, _ = select.select(
                [self._ours], [self._ours] if self._out else [], [], _POLL_S
            )
            if readable:
                data = os.read(self._ours, 4096)
                self.received += data
                time.sleep(self._answer_delay_s)
                self.on_bytes(data)
            if writable:
                with contextlib.suppress(BlockingIOError):
                    del self._out[: os.write(self._ours, self._out)]
            self._advance()
        os.close(self._ours)

    def _advance(self) -> None:
        if self._started is None:
            return
        now_s = (time.monotonic() - self._started) * self._speed
        # Backpressure: it measures on, but does not fill this machine's memory.
        while self._started is not None and self._sent_s + _CHUNK_S <= now_s and len(self._out) < 1 << 20:
            begin_s, self._sent_s = self._sent_s, self._sent_s + _CHUNK_S
            self._out += self.stream(begin_s, self._sent_s)
