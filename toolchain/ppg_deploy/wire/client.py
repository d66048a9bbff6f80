"""The host's side of the conversation: typed commands over any serial stream."""

import math
import secrets
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ppg_deploy.errors import DeviceError, InputError, InternalError
from ppg_deploy.stream import SerialStream
from ppg_deploy.wire import table
from ppg_deploy.wire.faults import FAULT_RESTART, FaultError, LineError, RestartError
from ppg_deploy.wire.link import Clock, Link, LinkStatistics, NoAnswerError, RefusedError
from ppg_deploy.wire.messages import (
    DeviceInfo,
    DeviceStatistics,
    EchoReply,
    FaultReport,
    LoadInputReply,
    MemoryInfo,
    PowerRunReply,
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
from ppg_deploy.wire.pieces import PieceSize
from ppg_deploy.wire.results import PushResult, RunResult, TimedRuns
from ppg_deploy.wire.table import Command

Reply = TypeVar("Reply")
RunKind = TypeVar("RunKind", RunReply, RunManyReply, ProfileReply)

_FIRST_WAIT_S = 0.25
"""For the reply to a request that does not run the model: 512 B there take 45 ms at 115200 baud."""
_ATTEMPTS_OF_A_SIZE = 2
"""For a piece of the input, before a smaller one is tried."""
_FIRST_RUN_WAIT_S = 2.0
"""For the reply to the first inference; later ones are known to be as slow as those before."""
_RUN_SLACK = 2.0
_LONGEST_RUN_LIMIT_MS = 3_600_000
"""The most that board.toml takes: a board that says more is not believed, or a wait for it would have no end."""
_BEYOND_RUN_LIMIT_S = 5.0
"""The device tells of a hang itself, within this time after its own limit."""
_RECONNECT_S = 5.0


class Client:
    """Talks to the bench application on a board or an emulator. Not safe for use from several threads.

    Every method raises a kind of DeviceError when the board does not answer (NoAnswerError), refuses (RefusedError),
    crashes or hangs (FaultError), restarts (RestartError) or the line is gone (LineError), and InternalError when it
    is called before `connect`. After a FaultError or RestartError, call `connect` again.

    Args:
        stream: an open line; the caller closes it.
        attempts: how often a request is sent at most. The waits between are short at first and become longer.
        timeout_s: time limit of one attempt of a request that does not run the model.
        run_timeout_s: time limit of one attempt of a request that does; at least 5 s more than the device's own limit
            for an inference, so that the device tells of a hang first.
        clock: counts seconds; for lines that are simulated.
        random_below: a number from 0 up to, not including, its argument, for session and sequence numbers.
    """

    def __init__(
        self,
        stream: SerialStream,
        *,
        attempts: int = 6,
        timeout_s: float = 1.0,
        run_timeout_s: float = 30.0,
        clock: Clock = time.monotonic,
        random_below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._least_run_timeout_s = run_timeout_s
        self._clock = clock
        self._random_below = random_below
        self._link = Link(stream, attempts=attempts, clock=clock)
        self._run_limit_ms = 0
        self._longest_run_s: float | None = None
        self._piece = PieceSize()
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

    @property
    def run_timeout_s(self) -> float:
        """Time limit of one attempt of a request that runs the model, in seconds."""
        limit_ms = self.run_limit_ms
        return max(self._least_run_timeout_s, limit_ms / 1000.0 + _BEYOND_RUN_LIMIT_S if limit_ms else 0.0)

    @property
    def run_limit_ms(self) -> int:
        """The device's own limit for an inference, in ms; 0 for none, and before `connect`."""
        return self._run_limit_ms

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
        deadline = self._clock() + timeout_s
        self._info = self._input = None
        self._link.start_session(self._random_below(0x10000))
        booted = self._link.wait_for_boot(min(boot_wait_s, timeout_s))
        session = 1 + self._random_below(0xFFFFFFFF)
        attempts = max(1, math.ceil((deadline - self._clock()) / self._timeout_s))
        try:
            data = self._link.exchange(
                table.HELLO,
                pack(table.HELLO.request, session=session),
                timeout_s=self._timeout_s,
                attempts=attempts,
            )
        except NoAnswerError as error:
            heard = "BOOT was heard, but then" if booted else f"no BOOT within {boot_wait_s:g} s, and"
            raise NoAnswerError(
                f"no ppg-deploy firmware answers: {heard} {error.message}",
                hint="flash the firmware, check port, baud rate and cable, press the board's reset button",
            ) from error
        info = unpack_reply(table.HELLO.reply, DeviceInfo, data)
        if info.session != session:
            raise DeviceError(
                "the board answered the HELLO of another program",
                hint="close the other program and try again",
            )
        self._info, self._run_limit_ms = info, min(info.run_limit_ms, _LONGEST_RUN_LIMIT_MS)
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
            return RunResult(
                status=reply.model_status, ticks=reply.ticks, timer_ticks=reply.timer_ticks, output=b""
            )
        return RunResult(
            status=0, ticks=reply.ticks, timer_ticks=reply.timer_ticks, output=self._output_of(reply)
        )

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
        reply = self._ask_for_run(table.PUSH, PushReply, restart=int(restart))
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
            timer_ticks=reply.timer_ticks,
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
            asked = min(runs, count - len(ticks))
            timed = self.timed_runs(asked, first_index=len(ticks))
            ticks += timed.ticks
            seconds_per_run = max(timed.host_s, 1e-6) / asked
            affordable = int(self.run_timeout_s / 2 / seconds_per_run)
            runs = min(max(affordable, 1), table.MAX_RUNS_PER_REQUEST)
        return tuple(ticks)

    def timed_runs(self, count: int, *, first_index: int = 0) -> TimedRuns:
        """`count` inferences on the loaded input in one request, at most MAX_RUNS_PER_REQUEST."""
        before, started = self._link.statistics, self._clock()
        reply = self._on_loaded_input(partial(self._ask_run_many, first_index, count))
        host_s, after = self._clock() - started, self._link.statistics
        return TimedRuns(ticks=reply.ticks, host_s=host_s, repeated=after.sent - before.sent != 1)

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

    def last_fault(self) -> FaultReport:
        """The fault that the board last reported since power-on; its kind is NONE when there was none."""
        return self._ask(table.LAST_FAULT, FaultReport, self._timeout_s)

    def power_run(self, *, bursts: int, runs: int, awake_ms: int, sleep_ms: int) -> PowerRunReply:
        """Begin a run for measuring power on the loaded input; with `bursts` 0, how the last one went.

        The board takes no request until the run is over: ask nothing before.
        """
        return self._ask(
            table.POWER_RUN,
            PowerRunReply,
            self._timeout_s,
            bursts=bursts,
            runs=runs,
            awake_ms=awake_ms,
            sleep_ms=sleep_ms,
        )

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
        return self._ask_within(command, reply_class, timeout_s, _FIRST_WAIT_S, **values)

    def _ask_for_run(
        self, command: Command, reply_class: Callable[..., Reply], *, runs: int = 1, **values: Value
    ) -> Reply:
        """The answer to a request that runs the model `runs` times.

        A request that is repeated too early disturbs the measurement, one that is repeated too late costs minutes on a
        bad line: the runs before tell how long one takes.
        """
        longest_s = self._longest_run_s
        first_wait_s = (
            _FIRST_RUN_WAIT_S if longest_s is None else _FIRST_WAIT_S + _RUN_SLACK * longest_s
        ) * runs
        before, started = self._link.statistics.sent, self._clock()
        reply = self._ask_within(command, reply_class, self.run_timeout_s, first_wait_s, **values)
        if self._link.statistics.sent == before + 1:
            took_s = (self._clock() - started) / runs
            self._longest_run_s = took_s if longest_s is None else max(took_s, longest_s)
        return reply

    def _ask_within(
        self,
        command: Command,
        reply_class: Callable[..., Reply],
        timeout_s: float,
        first_wait_s: float,
        attempts: int | None = None,
        /,
        **values: Value,
    ) -> Reply:
        if self._info is None:
            raise _not_connected()
        try:
            data = self._link.exchange(
                command,
                pack(command.request, **values),
                timeout_s=timeout_s,
                first_wait_s=first_wait_s,
                attempts=attempts,
            )
        except RefusedError as error:
            if error.reply.status_name == "NO_SESSION" and command not in (table.RESET, table.LAST_FAULT):
                raise self._restart(command.request.name) from error
            raise
        return unpack_reply(command.reply, reply_class, data)

    def _restart(self, doing: str) -> DeviceError:
        """Why the board has restarted, as it says itself in a new session."""
        try:
            info = self.connect(boot_wait_s=0.0, timeout_s=_RECONNECT_S)
            if info.restart_cause == FAULT_RESTART:
                report = self.last_fault()
                if report.kind_name != "none":
                    return FaultError(report, doing)
        except LineError as error:
            return error
        except DeviceError as error:
            return RestartError("unknown", doing, detail=f"; asked for it, {error.message}")
        return RestartError(info.restart_name, doing)

    def _send_input(self, data: bytes) -> None:
        offset = 0
        while offset < len(data):
            chunk = data[offset : offset + self._piece.bytes]
            retries = self._link.statistics.retries
            # A line that loses every 500th byte lets no piece of 512 through, however often it is sent.
            may_shrink = not self._piece.is_least and self._attempts > _ATTEMPTS_OF_A_SIZE
            attempts = _ATTEMPTS_OF_A_SIZE if may_shrink else self._attempts
            try:
                reply = self._ask_within(
                    *(table.LOAD_INPUT, LoadInputReply, self._timeout_s, _FIRST_WAIT_S, attempts),
                    offset=offset,
                    chunk=chunk,
                )
            except NoAnswerError:
                if not may_shrink:
                    raise
                self._piece.note(repeated=True)
                continue
            offset += len(chunk)
            if reply.end != offset:
                raise _inconsistent(table.LOAD_INPUT)
            self._piece.note(repeated=self._link.statistics.retries > retries)

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
        return self._ask_for_run(table.RUN, RunReply)

    def _ask_run_many(self, first_index: int, count: int) -> RunManyReply:
        reply = self._ask_for_run(
            table.RUN_MANY, RunManyReply, runs=count, first_index=first_index, count=count
        )
        _require_success(table.RUN_MANY, reply.model_status)
        if reply.first_index != first_index or len(reply.ticks) != count:
            raise _inconsistent(table.RUN_MANY)
        return reply

    def _ask_profile(self, first_operator: int) -> ProfileReply:
        reply = self._ask_for_run(table.PROFILE, ProfileReply, first_operator=first_operator)
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
