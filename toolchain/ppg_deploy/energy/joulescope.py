"""Joulescope JS110 and JS220, through Jetperch's own package `joulescope` (Apache-2.0), an optional extra.

It measures current and voltage of a board that something else supplies. Its general-purpose input 0 is sampled
together with them.
"""

import contextlib
import importlib
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.energy.instrument import Identity, Samples, Setting
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError

SAMPLE_HZ = 100_000.0
_MAX_CURRENT_A = 3.0
"""Continuously; a JS220 takes 10 A for a moment."""
_POLL_S = 0.01
_FIELDS = ("current", "voltage", "current_lsb")
"""Names of the package's StreamBuffer; `current_lsb` carries general-purpose input 0."""
_IO_VOLTAGES = (1.8, 2.1, 2.5, 2.7, 3.0, 3.3, 3.6, 5.0)


class Joulescope:
    """Ampere and volt meter with one digital input.

    Args:
        package: the module `joulescope`.

    Raises:
        DeviceError: none, or several, are plugged in, or it cannot be opened.
    """

    sample_hz = SAMPLE_HZ
    loss_check = "the instrument's sample numbers; missing samples are not numbers"

    def __init__(self, package: ModuleType) -> None:
        self._version = str(getattr(package, "__version__", "?"))
        with _translated("cannot be opened"):
            self._device: Any = package.scan_require_one(config="auto")
            self._device.parameter_set("sampling_frequency", int(SAMPLE_HZ))
            self._device.open()
        self._first: int | None = None
        self._next = 0
        self._is_closed = False

    def identify(self) -> Identity:
        """What the package says of it."""
        return Identity(
            name="Joulescope",
            details=f"{self._device}, package joulescope {self._version}",
            digital_inputs=1,
            max_current_a=_MAX_CURRENT_A,
        )

    def configure(self, setting: Setting) -> None:
        """Ranges, and the level of the digital input.

        Raises:
            InputError: mode `source`: it supplies nothing.
            DeviceError: the instrument refuses.
        """
        if setting.mode != "ampere":
            raise InputError(
                "a Joulescope measures, it does not supply the board",
                hint="supply the board through it and add --energy-mode ampere",
            )
        level = min(_IO_VOLTAGES, key=lambda volts: abs(volts - setting.voltage_v))
        with _translated("refuses a setting"):
            self._device.parameter_set("io_voltage", f"{level:.1f}V")
            self._device.parameter_set("current_lsb", "gpi0")
            self._device.parameter_set("i_range", "auto")
            self._device.parameter_set("v_range", "15V")

    def power(self, *, on: bool) -> None:
        """Close or open its path from the supply to the board."""
        with _translated("does not switch"):
            self._device.parameter_set("i_range", "auto" if on else "off")

    def start(self) -> None:
        """Begin a run."""
        self._first = None
        with _translated("does not start"):
            self._device.start()

    def read(self, timeout_s: float) -> Samples:
        """What came since the last call.

        Raises:
            DeviceError: it has stopped, or the package reports an error.
        """
        end = time.monotonic() + timeout_s
        while True:
            with _translated("has stopped"):
                if not self._device.is_streaming:
                    raise DeviceError("the Joulescope has stopped", hint="check its USB cable, measure again")
                samples = self._fetch()
            if len(samples) or time.monotonic() >= end:
                return samples
            time.sleep(_POLL_S)

    def stop(self) -> Samples:
        """End the run."""
        with _translated("does not stop"):
            rest = self._fetch()
            self._device.stop()
        return rest

    def close(self) -> None:
        """Release it."""
        if not self._is_closed:
            self._is_closed = True
            with contextlib.suppress(Exception):  # whatever the package says, it is over
                self._device.close()

    def _fetch(self) -> Samples:
        buffer = self._device.stream_buffer
        begin, end = buffer.sample_id_range
        if begin is None or end is None or end <= begin:
            return Samples.none(SAMPLE_HZ)
        if self._first is None:
            self._first = self._next = int(begin)
        # What the buffer no longer holds was lost: the numbers go on behind it.
        start = max(self._next, int(begin))
        if end <= start:
            return Samples.none(SAMPLE_HZ)
        signals = buffer.samples_get(start, int(end), fields=list(_FIELDS))["signals"]
        current, voltage, gate = (np.asarray(signals[name]["value"], np.float64) for name in _FIELDS)
        index = start - self._first + np.arange(len(current))
        self._next = int(end)
        good: NDArray[np.bool_] = np.isfinite(current) & np.isfinite(voltage)
        return Samples(
            SAMPLE_HZ,
            index[good],
            current[good],
            (gate[good] > 0).astype(np.uint8),
            voltage[good],
        )


def joulescope_package() -> ModuleType:
    """The optional package.

    Raises:
        EnvironmentProblem: it is not installed.
    """
    try:
        return importlib.import_module("joulescope")
    except ImportError as error:
        raise EnvironmentProblem(
            "a Joulescope needs the package joulescope, which is not installed",
            hint="pip install 'ppg-deploy[joulescope]'",
        ) from error


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turns whatever the package raises into a DeviceError."""
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:  # RuntimeError, OSError, TimeoutError, KeyError and classes of its own
        raise DeviceError(
            f"the Joulescope {what}: {error}",
            hint="plug in exactly one, close its own application, then measure again",
        ) from error
