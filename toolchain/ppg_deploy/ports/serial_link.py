"""The wire between an emulated UART, which runs in a thread of its own, and the host's serial stream."""

import threading
from collections.abc import Callable

from ppg_deploy.errors import DeviceError, PpgDeployError

# Firmware that has nothing to do polls its empty receiver; firmware at work polls it a few times at most.
IDLE_POLLS = 16
# A real line is slow: firmware that sleeps between bytes empties its own buffer long before it overflows. Here, bytes
# beyond these wait until the firmware is idle or asleep again.
BYTES_AT_A_TIME = 256


class SerialLink:
    """Two byte queues. The device's side blocks while the firmware is idle, so that an idle device costs no time.

    Idle means: the receiver was found empty IDLE_POLLS times in a row, with nothing sent in between; or the processor
    sleeps.
    """

    def __init__(self) -> None:
        self.on_first_idle: Callable[[], None] | None = None
        """Called once, by the device's thread, when the firmware goes idle."""
        self._changed = threading.Condition()
        self._to_device = bytearray()
        self._to_host = bytearray()
        self._empty_polls = 0
        self._allowed_bytes = BYTES_AT_A_TIME
        self._has_news = False
        self._wanted_bytes = 0
        self._is_idle = False
        self._is_closed = False
        self._failure: PpgDeployError | None = None

    # The device's side.

    def poll(self) -> bool:
        """Whether a byte waits for the device. When the firmware is idle, returns only after `write` or `close`."""
        with self._changed:
            if not self.has_byte:
                self._empty_polls += 1
                if self._empty_polls >= IDLE_POLLS:
                    self._wait_for_host(lambda: bool(self._to_device))
            return self.has_byte

    @property
    def has_byte(self) -> bool:
        """Whether a byte waits for the device. Returns at once."""
        return bool(self._to_device) and self._allowed_bytes > 0

    def sleep(self, wakes_up: Callable[[], bool]) -> None:
        """The processor sleeps: return when `wakes_up`, which may look at `has_byte`, or when it must stop."""
        with self._changed:
            self._wait_for_host(wakes_up)

    def _wait_for_host(self, goes_on: Callable[[], bool]) -> None:
        if self.on_first_idle is not None:
            self.on_first_idle()
            self.on_first_idle = None
        self._allowed_bytes = BYTES_AT_A_TIME
        while not goes_on() and not self.must_stop:
            self._has_news = False
            self._is_idle = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._has_news or self.must_stop)
            self._is_idle = False
        self._empty_polls = 0

    def take(self) -> int:
        """The next byte for the device; 0 when there is none."""
        with self._changed:
            self._empty_polls = 0
            if not self.has_byte:
                return 0
            self._allowed_bytes -= 1
            return self._to_device.pop(0)

    def send(self, byte: int) -> None:
        """One byte to the host."""
        with self._changed:
            self._empty_polls = 0
            self._to_host.append(byte)
            if len(self._to_host) >= self._wanted_bytes:
                self._changed.notify_all()

    def clear_received(self) -> None:
        """The device restarts: bytes that it has not read yet are lost, as in a real UART."""
        with self._changed:
            self._to_device.clear()
            self._empty_polls = 0

    def fail(self, failure: PpgDeployError) -> None:
        """The device stops for good: the host's calls raise `failure` from now on, or the first one they were given."""
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()

    # The host's side.

    def write(self, data: bytes) -> None:
        """Queue `data` for the device.

        Raises:
            DeviceError: the device has stopped, or the link is closed.
        """
        with self._changed:
            self._raise_failure()
            self._to_device += data
            self._has_news = True
            self._changed.notify_all()

    def read(self, size: int, timeout_s: float | None) -> bytes:
        """Up to `size` bytes; fewer after `timeout_s` seconds, or as soon as the firmware waits for input.

        Raises:
            DeviceError: the device has stopped and everything it sent has been read, or the link is closed.
        """
        with self._changed:
            self._wanted_bytes = size
            self._changed.wait_for(
                lambda: len(self._to_host) >= size or self._nothing_will_come(), timeout=timeout_s
            )
            if not self._to_host:
                self._raise_failure()
            data = bytes(self._to_host[:size])
            del self._to_host[:size]
            return data

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether the firmware waits for input, within `timeout_s` seconds.

        Raises:
            DeviceError: the device has stopped, or the link is closed.
        """
        with self._changed:
            self._changed.wait_for(self._nothing_will_come, timeout=timeout_s)
            self._raise_failure()
            return self._nothing_will_come()

    def close(self) -> None:
        """Wake both sides up; nothing can be transferred any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        """Whether the firmware waits for input."""
        return self._is_idle

    @property
    def must_stop(self) -> bool:
        """Whether the device has no one to talk to any more: `close` or `fail` was called."""
        return self._is_closed or self._failure is not None

    def _nothing_will_come(self) -> bool:
        waits_for_host = self._is_idle and not self._to_device
        return waits_for_host or self._failure is not None or self._is_closed

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._is_closed:
            raise DeviceError("the emulator was closed", hint="open it again")
