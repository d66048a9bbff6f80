"""The host's side of the conversation: typed commands over any serial stream."""

import math
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ppg_deploy.errors import DeviceError, InputError, InternalError
from ppg_deploy.stream import SerialStream
from ppg_deploy.wire import table
from ppg_deploy.wire.link import Link, LinkStatistics, NoAnswerError, RefusedError
from ppg_deploy.wire.messages import (
    DeviceInfo,
    DeviceStatistics,
    EchoReply,
    LoadInputReply,
    MemoryInfo,
    ProfileReply,
    PushReply,
    ReadOutputReply,
    ResetReply,
    RunManyReply,
    RunReply,
    Value,
    pack,
    unpack_reply,
)
from ppg_deploy.wire.table import Command

Reply = TypeVar("Reply")
RunKind = TypeVar("RunKind", RunReply, RunManyReply, ProfileReply)


@dataclass(frozen=True)
class RunResult:
    """One inference on the board.

    `status` is 0 or the runtime's own error code; `output` holds the bytes of the codes, none when `status` is not 0;
    `ticks` is in units of the board's counter, modulo 2^32.
    """

    status: int
    ticks: int
    output: bytes


@dataclass(frozen=True)
class PushResult(RunResult):
    """One push; while `filling` there is no output, because the first window is not complete."""

    filling: bool


class Client:
    """Talks to the bench application on a board or an emulator. Not safe for use from several threads.

    Every method raises DeviceError when the board does not answer, refuses, or the line is gone, and
    InternalError when it is called before `connect`.

    Args:
        stream: an open line; the caller closes it.
        attempts: how often a request is sent at most.
        timeout_s: time limit of one attempt of a request that does not run the model.
        run_timeout_s: time limit of one attempt of a request that does.
    """

    def __init__(
        self, stream: SerialStream, *, attempts: int = 3, timeout_s: float = 1.0, run_timeout_s: float = 30.0
    ) -> None:
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._run_timeout_s = run_timeout_s
        self._link = Link(stream, attempts=attempts)
        self._info: DeviceInfo | None = None
        self._input: bytes | None = None
        self._input_reloads = 0

    @property
    def info(self) -> DeviceInfo:
        """What the board said when `connect` was last called."""
        if self._info is None:
            raise _not_connected()
        return self._info

    @property
    def link(self) -> LinkStatistics:
        """What the host has counted on the line so far."""
        return replace(self._link.statistics, input_reloads=self._input_reloads)

    def connect(self, *, boot_wait_s: float, timeout_s: float) -> DeviceInfo:
        """Open a session.

        Nothing is sent before BOOT arrives or `boot_wait_s` has passed, because emulators lose what comes
        before the board has switched its receiver on. A board that already runs sends no BOOT, but answers
        HELLO.

        Args:
            boot_wait_s: how long to listen for BOOT, in seconds.
            timeout_s: time limit of the whole, in seconds; may be exceeded by one attempt.

        Raises:
            DeviceError: nothing that speaks this protocol is at the other end.
        """
        deadline = time.monotonic() + timeout_s
        self._info = self._input = None
        booted = self._link.wait_for_boot(min(boot_wait_s, timeout_s))
        session = 1 + secrets.randbelow(0xFFFFFFFF)
        self._link.start_sequence(secrets.randbelow(0x10000))
        attempts = max(1, math.ceil((deadline - time.monotonic()) / self._timeout_s))
        try:
            data = self._link.exchange(
                table.HELLO,
                pack(table.HELLO.request, session=session),
                timeout_s=self._timeout_s,
                attempts=attempts,
            )
        except NoAnswerError as error:
            heard = "BOOT was heard, but then" if booted else f"no BOOT within {boot_wait_s:g} s, and"
            raise DeviceError(
                f"no ppg-deploy firmware answers: {heard} {error.message}",
                hint="flash the firmware, check port, baud rate and cable, press the board's reset button",
            ) from error
        info = unpack_reply(table.HELLO.reply, DeviceInfo, data)
        if info.session != session:
            raise DeviceError(
                "the board answered the HELLO of another program",
                hint="close the other program and try again",
            )
        self._info = info
        return info

    def load_input(self, data: bytes) -> None:
        """Fill the board's input buffer with `data`, the bytes of one window's codes.

        Raises:
            InputError: `data` has not the size of the model's input.
            DeviceError: see the class.
        """
        if len(data) != self.info.input_bytes:
            raise InputError(
                f"the input has {len(data)} B, the model on the board takes {self.info.input_bytes} B",
                hint="use windows of the shape that the model was built for, or build the firmware again",
            )
        self._input = data
        self._send_input(data)

    def run(self) -> RunResult:
        """One inference on the loaded input."""
        reply = self._on_loaded_input(self._ask_run)
        if reply.model_status != 0:
            return RunResult(status=reply.model_status, ticks=reply.ticks, output=b"")
        return RunResult(status=0, ticks=reply.ticks, output=self._output_of(reply))

    def infer(self, data: bytes) -> RunResult:
        """`load_input`, then `run`."""
        self.load_input(data)
        return self.run()

    def push(self, samples: bytes, *, restart: bool) -> PushResult:
        """Move the stream's window on by `samples` and get the answer for it.

        Args:
            samples: codes of `info.hop` columns: for each row of the input, new columns with all channels.
            restart: forget the stream first.

        Raises:
            InputError: `samples` has not the size of a push.
            DeviceError: see the class; also when the board was built without sliding windows, or its input buffer was
                not what had been sent. The stream has to be restarted then.
        """
        if self.info.hop and len(samples) != self.info.push_bytes:
            raise InputError(
                f"a push of {len(samples)} B, the model on the board takes {self.info.push_bytes} B",
                hint=f"push {self.info.hop} samples per channel",
            )
        # An ordinary run must not take the rest of an older window for its input.
        self._input = None
        self._send_input(samples)
        reply = self._ask(table.PUSH, PushReply, self._run_timeout_s, restart=int(restart))
        if reply.samples_crc != zlib.crc32(samples):
            raise DeviceError(
                f"the board pushed other samples than were sent: CRC-32 {reply.samples_crc:08x} instead of "
                f"{zlib.crc32(samples):08x}",
                hint="look for a fault on the board that overwrites memory, for example a stack overflow",
            )
        has_answer = reply.model_status == 0 and not reply.filling
        return PushResult(
            status=reply.model_status,
            ticks=reply.ticks,
            output=self._output_of(reply) if has_answer else b"",
            filling=bool(reply.filling),
        )

    def run_many(self, count: int) -> tuple[int, ...]:
        """Ticks of `count` inferences on the loaded input.

        As many runs go into one request as are expected to take half of the run's time limit.
        """
        ticks: list[int] = []
        runs = 1
        while len(ticks) < count:
            started = time.monotonic()
            asked = min(runs, count - len(ticks))
            ticks += self._on_loaded_input(partial(self._ask_run_many, len(ticks), asked)).ticks
            seconds_per_run = max(time.monotonic() - started, 1e-6) / asked
            affordable = int(self._run_timeout_s / 2 / seconds_per_run)
            runs = min(max(affordable, 1), table.MAX_RUNS_PER_REQUEST)
        return tuple(ticks)

    def profile(self) -> tuple[int, ...]:
        """Ticks of each operator in one inference on the loaded input."""
        ticks: list[int] = []
        while len(ticks) < self.info.operator_count:
            ticks += self._on_loaded_input(partial(self._ask_profile, len(ticks))).ticks
        return tuple(ticks)

    def memory(self) -> MemoryInfo:
        """Arena and stack, in bytes."""
        return self._ask(table.MEMORY, MemoryInfo, self._timeout_s)

    def echo(self, data: bytes) -> None:
        """Send `data` (at most 512 B) there and back.

        Raises:
            DeviceError: see the class; also when something else comes back.
        """
        reply = self._ask(table.ECHO, EchoReply, self._timeout_s, payload=data)
        if reply.payload != data:
            raise _inconsistent(table.ECHO)

    def statistics(self) -> DeviceStatistics:
        """What the board has counted on the line since its start."""
        return self._ask(table.STATISTICS, DeviceStatistics, self._timeout_s)

    def reset(self) -> None:
        """Restart the board. Call `connect` afterwards."""
        try:
            self._ask(table.RESET, ResetReply, self._timeout_s)
        except RefusedError as error:
            if error.reply.status_name != "NO_SESSION":
                raise
        self._info = self._input = None

    def _ask(
        self, command: Command, reply_class: Callable[..., Reply], timeout_s: float, **values: Value
    ) -> Reply:
        if self._info is None:
            raise _not_connected()
        data = self._link.exchange(command, pack(command.request, **values), timeout_s=timeout_s)
        return unpack_reply(command.reply, reply_class, data)

    def _send_input(self, data: bytes) -> None:
        chunk_bytes = table.MAX_DATA - table.LOAD_INPUT.request.min_bytes
        for offset in range(0, len(data), chunk_bytes):
            chunk = data[offset : offset + chunk_bytes]
            reply = self._ask(table.LOAD_INPUT, LoadInputReply, self._timeout_s, offset=offset, chunk=chunk)
            if reply.end != offset + len(chunk):
                raise _inconsistent(table.LOAD_INPUT)

    def _on_loaded_input(self, ask: Callable[[], RunKind]) -> RunKind:
        """The answer of `ask` once the board confirms that it ran on the input that was loaded."""
        if self._input is None:
            raise InternalError("no input is loaded", hint="call Client.load_input first")
        expected_crc = zlib.crc32(self._input)
        for _ in range(self._attempts):
            reply = ask()
            if reply.input_crc == expected_crc:
                return reply
            self._input_reloads += 1
            self._send_input(self._input)
        raise DeviceError(
            f"the board's input buffer is not what was sent: CRC-32 {reply.input_crc:08x} instead of "
            f"{expected_crc:08x}, even after {self._attempts} reloads",
            hint="look for a fault on the board that overwrites memory, for example a stack overflow",
        )

    def _ask_run(self) -> RunReply:
        return self._ask(table.RUN, RunReply, self._run_timeout_s)

    def _ask_run_many(self, first_index: int, count: int) -> RunManyReply:
        reply = self._ask(
            table.RUN_MANY, RunManyReply, self._run_timeout_s, first_index=first_index, count=count
        )
        _require_success(table.RUN_MANY, reply.model_status)
        if reply.first_index != first_index or len(reply.ticks) != count:
            raise _inconsistent(table.RUN_MANY)
        return reply

    def _ask_profile(self, first_operator: int) -> ProfileReply:
        reply = self._ask(table.PROFILE, ProfileReply, self._run_timeout_s, first_operator=first_operator)
        _require_success(table.PROFILE, reply.model_status)
        if reply.first_operator != first_operator or not reply.ticks:
            raise _inconsistent(table.PROFILE)
        return reply

    def _output_of(self, reply: RunReply | PushReply) -> bytes:
        output = reply.output or self._read_output()
        if len(output) != self.info.output_bytes or zlib.crc32(output) != reply.output_crc:
            raise DeviceError(
                f"the output that was read ({len(output)} B) is not the one that the run left",
                hint="look for a fault on the board: the output changed between two requests",
            )
        return output

    def _read_output(self) -> bytes:
        chunk_bytes = table.MAX_DATA - table.READ_OUTPUT.reply.min_bytes
        output = bytearray()
        while len(output) < self.info.output_bytes:
            offset = len(output)
            size = min(chunk_bytes, self.info.output_bytes - offset)
            reply = self._ask(table.READ_OUTPUT, ReadOutputReply, self._timeout_s, offset=offset, size=size)
            if reply.offset != offset or len(reply.chunk) != size:
                raise _inconsistent(table.READ_OUTPUT)
            output += reply.chunk
        return bytes(output)


def _require_success(command: Command, model_status: int) -> None:
    if model_status != 0:
        raise DeviceError(
            f"the model failed during {command.request.name} with the runtime's code {model_status}",
            hint="run one window with bench to see whether it fails on every input",
        )


def _not_connected() -> InternalError:
    return InternalError("no board is connected", hint="call Client.connect first")


def _inconsistent(command: Command) -> DeviceError:
    return DeviceError(
        f"the board's {command.reply.name} does not answer what was asked",
        hint="build and flash the firmware with the same version of ppg-deploy",
    )
