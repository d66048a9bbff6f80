"""A serial line to an instrument, every wait of which has an end."""

import time
from collections.abc import Callable

from ppg_deploy.errors import DeviceError
from ppg_deploy.stream import SerialStream

CHUNK_BYTES = 1 << 16
_SLICE_S = 0.01
"""Longest single wait for bytes: a USB packet never takes longer."""


class InstrumentLine:
    """Bytes to and from an instrument.

    Args:
        stream: an open port; `close` closes it.
        name: the instrument in error messages, with its port.
    """

    def __init__(self, stream: SerialStream, name: str) -> None:
        self._stream = stream
        self.name = name

    def write(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            DeviceError: the line is gone.
        """
        try:
            self._stream.write(data)
        except OSError as error:
            raise self.gone(error) from error

    def read(self, timeout_s: float) -> bytes:
        """What comes within a short while; waits up to `timeout_s` for the first byte, and may return none.

        Raises:
            DeviceError: the line is gone.
        """
        end = time.monotonic() + timeout_s
        while True:
            self._stream.timeout = max(0.0, min(_SLICE_S, end - time.monotonic()))
            try:
                data = self._stream.read(CHUNK_BYTES)
            except OSError as error:
                raise self.gone(error) from error
            if data or time.monotonic() >= end:
                return data

    def read_until(self, is_complete: Callable[[bytes], bool], timeout_s: float) -> bytes:
        """Everything up to when `is_complete` of it is true, or what came within `timeout_s`."""
        data = b""
        end = time.monotonic() + timeout_s
        while not is_complete(data) and (left := end - time.monotonic()) > 0:
            data += self.read(left)
        return data

    def read_until_silent(self, silence_s: float, limit_s: float) -> bytes:
        """Everything up to the first silence; what came until `limit_s` when there is none."""
        data = b""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            more = self.read(silence_s)
            if not more:
                break
            data += more
        return data

    def close(self) -> None:
        """Release the port."""
        self._stream.close()

    def gone(self, error: OSError) -> DeviceError:
        """What a failed transfer means."""
        return DeviceError(
            f"{self.name} is gone: {error}", hint="check its USB cable and hub, then measure again"
        )
