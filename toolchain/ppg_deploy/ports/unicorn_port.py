"""The `unicorn` emulator as a port."""

import atexit
import time
from pathlib import Path

from ppg_deploy.errors import DeviceError
from ppg_deploy.ports.connection import Connection
from ppg_deploy.ports.emulated_board import EmulatedBoard
from ppg_deploy.ports.firmware_image import Entry, read_firmware_image
from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.unicorn_machine import UnicornMachine
from ppg_deploy.timing import InferenceProfile, TimingModel

BOOT_WAIT_S = 30.0
_PATIENT_READ_LIMIT_S = 600.0
_IDLE_LIMIT_S = 60.0
_IDLE_REST_S = 0.001


class UnicornStream:
    """Serial stream to a firmware in a `UnicornMachine` of this process.

    `read` returns early when the firmware waits for input. While an inference is to be counted, the device is slow:
    `read` then waits up to ten minutes, whatever `timeout` says.
    """

    def __init__(self, machine: UnicornMachine, link: SerialLink) -> None:
        self.timeout: float | None = 1.0
        self._machine = machine
        self._link = link

    def read(self, size: int = 1, /) -> bytes:
        """See `SerialStream.read`."""
        is_patient = self.timeout is None or self._machine.counter.has_window
        data = self._link.read(size, _PATIENT_READ_LIMIT_S if is_patient else self.timeout)
        if not data:
            # A caller that repeats an early read until its own time is up must not keep the machine busy.
            time.sleep(_IDLE_REST_S)
        return data

    def write(self, data: bytes, /) -> int | None:
        """See `SerialStream.write`."""
        self._link.write(data)
        return len(data)

    def close(self) -> None:
        """See `SerialStream.close`."""
        atexit.unregister(self.close)
        self._machine.close()


class UnicornCounter:
    """`InstructionCounter` of a `UnicornMachine`."""

    def __init__(self, machine: UnicornMachine, link: SerialLink, timing_model: TimingModel | None) -> None:
        self._machine = machine
        self._link = link
        self._timing_model = timing_model

    def arm(self, entry: Entry = Entry.RUN) -> None:
        """See `InstructionCounter.arm`."""
        self._wait_until_idle()
        calibration = None if self._timing_model is None else self._timing_model.calibration
        self._machine.counter.open_window(entry, with_flash_lines=calibration is not None)
        self._machine.counter.is_wanted = True

    def result(self) -> InferenceProfile:
        """See `InstructionCounter.result`."""
        self._wait_until_idle()
        self._machine.counter.is_wanted = False
        return self._machine.counter.close_window(self._timing_model)

    def _wait_until_idle(self) -> None:
        if not self._link.wait_until_idle(_IDLE_LIMIT_S):
            raise DeviceError(
                f"the firmware is still busy after {_IDLE_LIMIT_S:.0f} s", hint="read its answer first"
            )


def open_unicorn(elf: Path, board: EmulatedBoard, timing_model: TimingModel | None) -> Connection:
    """Start `elf` on the emulated `board`; `timing_model` estimates the cycles of counted inferences.

    Raises:
        EnvironmentProblem: unicorn is not installed, or has no model of the board.
        InputError: `elf` cannot be read, or was built for another board.
    """
    image = read_firmware_image(elf)
    link = SerialLink()
    machine = UnicornMachine(image, board, link)
    stream = UnicornStream(machine, link)
    atexit.register(stream.close)
    machine.start()
    import unicorn

    return Connection(
        stream=stream,
        source=f"unicorn {unicorn.__version__}",
        emulator="unicorn",
        instruction_counter=UnicornCounter(machine, link, timing_model),
        instructions_per_tick=None,
        ticks_valid=False,
        boot_wait_s=BOOT_WAIT_S,
        locate=machine.locate,
    )
