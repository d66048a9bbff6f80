"""An open serial line: what every port offers and the wire protocol needs."""

from typing import Protocol


class SerialStream(Protocol):
    """The part of pyserial's `Serial` that the wire client uses.

    `read` and `write` raise DeviceError when an emulated device has crashed, and OSError (of which pyserial's
    SerialException is a kind) when a real line is gone.
    """

    timeout: float | None
    """Seconds that `read` waits at most; None waits for ever."""

    def read(self, size: int = 1, /) -> bytes:
        """Up to `size` bytes; fewer when `timeout` elapses first, or when an emulated device has gone idle."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Send all of `data`."""
        ...

    def close(self) -> None:
        """Release the port; an emulator ends. May be called twice."""
        ...
