"""Nordic Power Profiler Kit II. The protocol's facts: ppk2_samples.py, and Nordic's pc-nrfconnect-ppk."""

import contextlib
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.energy.instrument import Identity, Samples, Setting
from ppg_deploy.energy.ppk2_samples import Calibration, SpikeFilter, WordStream, calibration_of
from ppg_deploy.energy.serial_line import InstrumentLine
from ppg_deploy.errors import DeviceError, InputError, InternalError, PpgDeployError

BAUD = 115_200
"""Means nothing to its USB serial port."""
USB_IDS = ((0x1915, 0xC00A),)
SAMPLE_HZ = 100_000.0

_START, _STOP, _POWER, _VOLTAGE, _MODE, _METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
_MODES = {"ampere": 1, "source": 2}
_VOLTAGE_RANGE_MV = (800, 5000)
_MAX_CURRENT_A = 1.0
_SILENCE_S = 0.05
_STOP_LIMIT_S = 1.0
_METADATA_S = 1.5
_ATTEMPTS = 3
_END = b"END"
_LINE = re.compile(r"^\s*([A-Za-z]+[0-9]?): *(\S+)\s*$", re.MULTILINE)
_MOST_REALIGNMENTS = 50
"""Nothing that can be put down to lost bytes."""


class Ppk2:
    """Source and ampere meter, 100,000 samples per second, eight digital inputs on its logic port."""

    sample_hz = SAMPLE_HZ
    loss_check = "6-bit counter in every sample, and the host's clock for gaps of 64"

    def __init__(self, line: InstrumentLine) -> None:
        self._line = line
        self._calibration: Calibration | None = None
        self._setting: Setting | None = None
        self._words = WordStream()
        self._filter = SpikeFilter()
        self._is_powered = False
        self._is_closed = False

    def identify(self) -> Identity:
        """Stop whatever runs, read the calibration.

        Raises:
            DeviceError: nothing that has a PPK2's metadata is at the port.
        """
        metadata: Mapping[str, str] = {}
        for _ in range(_ATTEMPTS):
            self._line.write(bytes([_STOP]))
            self._line.read_until_silent(_SILENCE_S, _STOP_LIMIT_S)
            self._line.write(bytes([_METADATA]))
            answer = self._line.read_until(lambda data: _END in data, _METADATA_S)
            metadata = dict(_LINE.findall(answer.decode("ascii", "replace").partition("END")[0]))
            if _END in answer and "R0" in metadata:
                break
        else:
            what = f"its metadata ends after {len(metadata)} lines" if metadata else "it sends no metadata"
            raise DeviceError(
                f"{self._line.name} does not answer like a PPK2: {what}",
                hint="check the port, close nRF Connect, and unplug the PPK2 and plug it in again",
            )
        self._calibration = calibration_of(metadata)
        defaults = self._calibration.missing
        told = ", ".join(
            f"{name} {metadata[name]}" for name in ("HW", "Calibrated", "IA") if name in metadata
        )
        return Identity(
            name="Nordic PPK2",
            details=told + (f"; defaults for {', '.join(defaults)}" if defaults else ""),
            digital_inputs=8,
            max_current_a=_MAX_CURRENT_A,
        )

    def configure(self, setting: Setting) -> None:
        """Mode and voltage; in mode `ampere` the voltage only enters the calibration.

        Raises:
            InputError: the voltage is beyond 0.8 V to 5 V.
            DeviceError: the line is gone.
        """
        millivolts = round(setting.voltage_v * 1000.0)
        low, high = _VOLTAGE_RANGE_MV
        if not low <= millivolts <= high:
            raise InputError(
                f"a PPK2 supplies {low / 1000} V to {high / 1000} V, not {setting.voltage_v} V",
                hint="choose another --voltage",
            )
        self._setting = setting
        self._line.write(bytes([_MODE, _MODES[setting.mode]]))
        self._line.write(bytes([_VOLTAGE, millivolts >> 8, millivolts & 0xFF]))

    def power(self, *, on: bool) -> None:
        """Close or open the switch to the board, in both modes."""
        self._line.write(bytes([_POWER, int(on)]))
        self._is_powered = on

    def start(self) -> None:
        """Begin a run; what an earlier one left on the line is dropped."""
        if self._calibration is None or self._setting is None:
            raise InternalError("the PPK2 is not configured", hint="call identify and configure first")
        self._line.read_until_silent(_SILENCE_S, _STOP_LIMIT_S)
        self._words = WordStream()
        self._filter = SpikeFilter()
        self._line.write(bytes([_START]))

    def read(self, timeout_s: float) -> Samples:
        """What came since the last call.

        Raises:
            DeviceError: the line is gone, or what comes are no samples.
        """
        samples = self._decoded(*self._words.words(self._line.read(timeout_s)))
        if self._words.realigned > _MOST_REALIGNMENTS:
            raise DeviceError(
                f"{self._line.name} sends something other than samples",
                hint="unplug it and plug it in again, into a port of the computer itself",
            )
        return samples

    def stop(self) -> Samples:
        """End the run."""
        self._line.write(bytes([_STOP]))
        left = self._words.words(self._line.read_until_silent(_SILENCE_S, _STOP_LIMIT_S))
        rest = self._words.rest()
        return Samples.joined([self._decoded(*left), self._decoded(*rest)], SAMPLE_HZ)

    def close(self) -> None:
        """Stop, switch the board off when this switched it on, release the port."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.suppress(PpgDeployError):
            self._line.write(bytes([_STOP]))
            if self._is_powered:
                self._line.write(bytes([_POWER, 0]))
        self._line.close()

    def _decoded(self, index: NDArray[np.int64], words: NDArray[np.uint32]) -> Samples:
        if self._calibration is None or self._setting is None or not len(words):
            return Samples.none(SAMPLE_HZ)
        adc = (words & np.uint32(0x3FFF)).astype(np.int64)
        ranges = ((words >> np.uint32(14)) & np.uint32(7)).astype(np.int64)
        current = self._calibration.current_a(adc, ranges, self._setting.voltage_v)
        digital = (words >> np.uint32(24)).astype(np.uint8)
        return Samples(SAMPLE_HZ, index, self._filter.filtered(current, ranges), digital)
