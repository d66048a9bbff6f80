"""ST X-NUCLEO-LPM01A ("PowerShield") and STLINK-V3PWR: commands in text, samples in text or binary.

Facts from the instrument's own `help` text, quoted by MLCommons' tiny runner: `htc` and `hrc` take and release
control, `freq`, `acqtime inf`, `output current`, `format`, `trigsrc sw`, `trigdelay`, `volt 3300m`, `pwr on|off`,
`start`, `stop`; answers `ack <command>` or `error <command>` behind the prompt `PowerShield > `. The STLINK-V3PWR wants
`power_monitor` first and the name of the output in `volt` and `pwr` (one independent open driver agrees; not checked
against ST's UM3097).
"""

import contextlib
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.energy.instrument import Identity, Samples, Setting
from ppg_deploy.energy.powershield_stream import BinaryDecoder, Stretches, TextDecoder
from ppg_deploy.energy.serial_line import InstrumentLine
from ppg_deploy.errors import DeviceError, InputError, PpgDeployError

_ANSWER_S = 2.0
_VOLTAGE_ANSWER_S = 5.0
"""A change of the voltage ends with a self-calibration."""
_SILENCE_S = 0.05
_DRAIN_LIMIT_S = 1.0
_STOP_LIMIT_S = 3.0
_ATTEMPTS = 3
_TEXT_MAX_HZ = 5_000
"""Above this, the help text limits the length of a run in format ascii_dec."""


@dataclass(frozen=True)
class Model:
    """How the two instruments differ.

    Attributes:
        name: for messages and reports.
        usb_ids: vendor and product.
        baud: of the LPM01A's own UART; without meaning on USB.
        take: commands that take control of it.
        release: commands that release it.
        output: the name of the supplied output in `volt` and `pwr`, with a space behind it; empty when it has none.
        voltage_mv: lowest and highest voltage that it supplies.
        max_current_a: highest current.
    """

    name: str
    usb_ids: tuple[tuple[int, int], ...]
    baud: int
    take: tuple[str, ...]
    release: tuple[str, ...]
    output: str
    voltage_mv: tuple[int, int]
    max_current_a: float


LPM01A = Model(
    "ST X-NUCLEO-LPM01A", ((0x0483, 0x5740),), 3_686_400, ("htc",), ("hrc",), "", (1800, 3300), 0.050
)
STLINK_V3PWR = Model(
    "ST STLINK-V3PWR", ((0x0483, 0x3757),), 3_686_400, ("power_monitor",), (), "vout ", (1600, 3600), 0.500
)


class PowerShield:
    """Supplies the board and measures its current; no digital input is sampled with it.

    Args:
        line: an open line; `close` closes it.
        model: which of the two.
        sample_hz: one of the rates of its help text.
        is_binary: format `bin_hexa`, else `ascii_dec`.
    """

    loss_check = "number of samples between the instrument's time stamps"

    def __init__(
        self, line: InstrumentLine, model: Model, *, sample_hz: int = 100_000, is_binary: bool = True
    ) -> None:
        if not is_binary and sample_hz > _TEXT_MAX_HZ:
            raise InputError(
                f"format ascii_dec carries up to {_TEXT_MAX_HZ} samples per second, not {sample_hz}",
                hint="take the binary format or a lower rate",
            )
        self._line = line
        self._model = model
        self._is_binary = is_binary
        self.sample_hz = float(sample_hz)
        self._decoder: BinaryDecoder | TextDecoder | None = None
        self._stretches = Stretches(self.sample_hz)
        self._early: list[Samples] = []
        self._is_powered = False
        self._is_closed = False

    def identify(self) -> Identity:
        """Take control, ask for the version, choose rate and format.

        Raises:
            DeviceError: it does not answer, or refuses.
        """
        for attempt in range(_ATTEMPTS):
            # It may be in the middle of a run that somebody else left.
            self._line.write(b"\nstop\n")
            self._line.read_until_silent(_SILENCE_S, _DRAIN_LIMIT_S)
            try:
                for command in self._model.take:
                    self._ask(command)
                break
            except DeviceError:
                if attempt == _ATTEMPTS - 1:
                    raise
        version = self._ask("version")
        for command in (
            f"format {'bin_hexa' if self._is_binary else 'ascii_dec'}",
            "output current",
            f"freq {_rate(self.sample_hz)}",
            "acqtime inf",
            "trigsrc sw",
            "trigdelay 0",
        ):
            self._ask(command)
        return Identity(
            name=self._model.name,
            details=f"firmware {version}" if version else "",
            digital_inputs=0,
            max_current_a=self._model.max_current_a,
        )

    def configure(self, setting: Setting) -> None:
        """The voltage.

        Raises:
            InputError: mode `ampere`, or a voltage beyond the instrument.
            DeviceError: it does not answer, or refuses.
        """
        low, high = self._model.voltage_mv
        millivolts = round(setting.voltage_v * 1000.0)
        if setting.mode != "source":
            raise InputError(
                f"{self._model.name} supplies the board itself, it is no ampere meter",
                hint="leave --energy-mode out, or use another instrument",
            )
        if not low <= millivolts <= high:
            raise InputError(
                f"{self._model.name} supplies {low / 1000} V to {high / 1000} V, not {setting.voltage_v} V",
                hint="choose another --voltage",
            )
        self._ask(f"volt {self._model.output}{millivolts}m", timeout_s=_VOLTAGE_ANSWER_S)

    def power(self, *, on: bool) -> None:
        """Connect or disconnect the supply."""
        self._ask(f"pwr {self._model.output}{'on' if on else 'off'}")
        self._is_powered = on

    def start(self) -> None:
        """Begin a run.

        Raises:
            DeviceError: it does not answer, or refuses.
        """
        self._stretches = Stretches(self.sample_hz)
        kind = BinaryDecoder if self._is_binary else TextDecoder
        self._decoder = kind(self._stretches, self._line.name)
        self._line.write(b"start\n")
        data = self._line.read_until(lambda data: _answer(data, "start") is not None, _ANSWER_S)
        behind = self._require_ack("start", data)
        self._early = [self._decoded(self._decoder.feed(behind))]

    def read(self, timeout_s: float) -> Samples:
        """What came since the last call; in bursts, because a stretch ends with a time stamp.

        Raises:
            DeviceError: the line is gone, the run ended by itself, or the instrument reports an error.
        """
        if self._decoder is None:
            return Samples.none(self.sample_hz)
        complete = self._decoder.feed(self._line.read(timeout_s))
        if self._decoder.has_ended:
            raise DeviceError(
                f"{self._line.name} ended the acquisition by itself",
                hint="check that nobody pressed its button, then measure again",
            )
        early, self._early = self._early, []
        return Samples.joined([*early, self._decoded(complete)], self.sample_hz)

    def stop(self) -> Samples:
        """End the run."""
        if self._decoder is None:
            return Samples.none(self.sample_hz)
        self._line.write(b"stop\n")
        end = time.monotonic() + _STOP_LIMIT_S
        complete = []
        while not self._decoder.has_ended and time.monotonic() < end:
            complete += self._decoder.feed(self._line.read(_SILENCE_S))
        if not self._decoder.has_ended:
            raise DeviceError(
                f"{self._line.name} does not stop within {_STOP_LIMIT_S:g} s",
                hint="unplug it and plug it in again, then measure again",
            )
        self._line.read_until_silent(_SILENCE_S, _DRAIN_LIMIT_S)  # its summary, in text
        self._decoder = None
        complete.append(self._stretches.rest())
        early, self._early = self._early, []
        return Samples.joined([*early, self._decoded(complete)], self.sample_hz)

    def close(self) -> None:
        """Stop, switch the board off when this switched it on, hand control back, release the port."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.suppress(PpgDeployError):
            if self._decoder is not None:
                self._line.write(b"stop\n")
            if self._is_powered:
                self._line.write(f"pwr {self._model.output}off\n".encode())
            for command in self._model.release:
                self._line.write(f"{command}\n".encode())
        self._line.close()

    def _ask(self, command: str, timeout_s: float = _ANSWER_S) -> str:
        """What the instrument says to `command`, behind its `ack`.

        Raises:
            DeviceError: it does not answer, or refuses.
        """
        self._line.write(f"{command}\n".encode())
        data = self._line.read_until(lambda data: _answer(data, command) is not None, timeout_s)
        self._require_ack(command, data)
        found = _answer(data, command)
        return found.text if found is not None else ""

    def _require_ack(self, command: str, data: bytes) -> bytes:
        """What lies behind the answer's line."""
        found = _answer(data, command)
        if found is None:
            raise DeviceError(
                f"{self._line.name} does not answer {command!r}"
                + (f", it says {data[-80:].decode('ascii', 'replace')!r}" if data else ""),
                hint=f"check that this is the port of a {self._model.name}, and that no other program uses it",
            )
        if not found.is_ack:
            detail = data[found.end :] + self._line.read_until_silent(_SILENCE_S, _DRAIN_LIMIT_S)
            reason = " ".join(f"{found.text} {detail.decode('ascii', 'replace')}".split())
            raise DeviceError(
                f"{self._line.name} refuses {command!r}: {reason or 'no reason given'}",
                hint="update its firmware (1.0.6 or newer), and check the setting that the message names",
            )
        return data[found.end :]

    def _decoded(self, complete: list[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Samples:
        return Samples.joined(
            [
                Samples(self.sample_hz, index, current, np.zeros(len(index), np.uint8))
                for index, current in complete
            ],
            self.sample_hz,
        )


@dataclass(frozen=True)
class _Answer:
    is_ack: bool
    text: str
    end: int


def _answer(data: bytes, command: str) -> _Answer | None:
    """The line that acknowledges or refuses `command`, once it is complete; whatever comes before it is skipped."""
    for is_ack, word in ((True, b"ack"), (False, b"error"), (False, b"err")):
        at = data.find(word + b" " + command.encode())
        end = data.find(b"\n", at)
        if at >= 0 and end >= 0:
            text = data[at + len(word) + 1 + len(command) : end].decode("ascii", "replace").strip(" \r")
            return _Answer(is_ack, text, end + 1)
    return None


def _rate(sample_hz: float) -> str:
    hertz = int(sample_hz)
    return f"{hertz // 1000}k" if hertz % 1000 == 0 else str(hertz)
