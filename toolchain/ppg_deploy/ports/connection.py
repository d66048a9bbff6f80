"""What a port hands to the rest of the tool: an open serial stream, and what is known about its other end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ppg_deploy.ports.firmware_image import Entry
from ppg_deploy.stream import SerialStream
from ppg_deploy.timing import InferenceProfile


class InstructionCounter(Protocol):
    """Counts one inference instruction by instruction.

    Call `arm`, make the device run an inference and read its answer, then call `result`. An armed run is some fifty
    times slower than others, so the stream lets `read` take minutes while it is armed, whatever `timeout` says.
    """

    def arm(self, entry: Entry = Entry.RUN) -> None:
        """Count the next inference by `entry`.

        Raises:
            DeviceError: the firmware has crashed, or has no such function.
        """
        ...

    def result(self) -> InferenceProfile:
        """The profile of the first inference after `arm`; from now on nothing is counted.

        Raises:
            DeviceError: no inference has run from entry to return since `arm`.
        """
        ...


@dataclass(frozen=True)
class CodePlace:
    """Where a processor was stopped: its program counter and its link register, both addresses of code.

    The program counter may be that of the last branch target before, at most one basic block behind.
    """

    program_counter: int
    link_register: int


@dataclass(frozen=True)
class Connection:
    """An open port.

    `source` names it in reports: "serial /dev/ttyACM0", "unicorn 2.1.3", "qemu 7.2.22 netduinoplus2".
    `emulator` is the emulator's name, None for a real port. `instruction_counter` is there where single inferences
    can be profiled. `instructions_per_tick` converts ticks of the device's own counter to instructions, where they
    are not core cycles. `ticks_valid` says whether the device's ticks of an ordinary run mean anything; under
    unicorn they do not (the counter stands still, every difference is 0, unless a count is armed).
    `boot_wait_s` is how long the device may take from opening the port to its boot message.
    `locate` stops an emulated processor for good and tells where it was, for a device that does not answer; None where
    that cannot be asked. Afterwards the stream only raises DeviceError. It returns None, and stops nothing, when the
    processor waits for input or has stopped before.
    """

    stream: SerialStream
    source: str
    emulator: str | None
    instruction_counter: InstructionCounter | None
    instructions_per_tick: float | None
    ticks_valid: bool
    boot_wait_s: float
    locate: Callable[[], CodePlace | None] | None = None

    def close(self) -> None:
        """Release the port; an emulator ends."""
        self.stream.close()
