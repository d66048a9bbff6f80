"""The conversation with the device: every window through it once, some of them counted."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from ppg_deploy.benching.clocks import check_clocks, time_by_host
from ppg_deploy.benching.conversation import Conversation, MissingWindow
from ppg_deploy.benching.cost import Counts
from ppg_deploy.benching.device import Position, Progress, counted_rows, from_wire, to_wire
from ppg_deploy.benching.failure import Scene, restate
from ppg_deploy.benching.journal import Journal, WindowAnswer
from ppg_deploy.benching.places import CodePlaces
from ppg_deploy.benching.plan import BenchPlan
from ppg_deploy.benching.sliding import SlidingMeasurement, measure_sliding
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.ports import Connection
from ppg_deploy.report import schema
from ppg_deploy.tflm.status import explain_status
from ppg_deploy.wire import Client, DeviceInfo, DeviceStatistics, LinkStatistics, MemoryInfo

CONNECT_TIMEOUT_S = 20.0
RECONNECT_TIMEOUT_S = 5.0
_EMULATOR_TIMEOUT_S = 10.0
_EMULATOR_PATIENCE = 3.0
_RESTART_WAIT_S = 1.0
"""For the boot message of a board that is just restarting."""


@dataclass(frozen=True)
class Terms:
    """How to measure.

    Attributes:
        count: inferences to count exactly where the port can (unicorn); the first window is among them.
        sliding: stream the windows a second time, as pushes.
        keep_going: a window without an answer is reported as missing, instead of ending the bench.
        run_timeout_s: time limit of one attempt of a request that runs the model, in seconds.
        baud: speed of the line; None for the board's own.
    """

    count: int
    sliding: bool = False
    keep_going: bool = False
    run_timeout_s: float = 30.0
    baud: int | None = None


@dataclass(frozen=True)
class Measurement:
    """What the device answered.

    Attributes:
        outputs: (N, output elements), of the type of the model's output; rows of missing windows hold 0.
        missing: windows without an answer.
        counts: of all answered inferences; the first profile is that of window 0, if that was answered.
        clocks: whether the ticks can be believed; None where they mean nothing, and for emulators.
        sliding: of the same windows as a stream of pushes, if that was wanted.
        device_line: what the board counted on the line meanwhile.
        answers: of the windows that are not missing, in their order.
        resumed_windows: answers that were in the journal before.
    """

    info: DeviceInfo
    outputs: Codes
    missing: tuple[MissingWindow, ...]
    sessions_lost: int
    counts: Counts
    clocks: schema.Clocks | None
    sliding: SlidingMeasurement | None
    memory: MemoryInfo
    link: LinkStatistics
    device_line: DeviceStatistics
    answers: tuple[WindowAnswer, ...]
    resumed_windows: int


def measure(
    plan: BenchPlan, connection: Connection, terms: Terms, *, journal: Journal, progress: Progress
) -> Measurement:
    """Stream every window and collect answers and counters.

    Args:
        plan: what to stream.
        connection: an open port; the caller closes it.
        terms: how to measure.
        journal: keeps every answer; windows that it has an answer for are not streamed.
        progress: called after each window.

    Raises:
        InputError: sliding windows, and the firmware was built without them, or together with `keep_going`.
        DeviceError: the device does not answer, runs another firmware, crashes, hangs or restarts. The message names
            the window, and the function where the firmware was, as far as that can be known.
    """
    if terms.sliding and terms.keep_going:
        raise InputError(
            "a stream of pushes does not survive a missing window",
            hint="leave --keep-going or --sliding out",
        )
    client = _client(connection, terms)
    position = Position()
    try:
        return _measure(plan, connection, client, terms, journal, progress, position)
    except DeviceError as error:
        restate(error, _scene(plan, connection, client), position.doing)
        raise


def _client(connection: Connection, terms: Terms) -> Client:
    if connection.emulator is None:
        return Client(connection.stream, run_timeout_s=terms.run_timeout_s)
    # Nothing is lost on the way to an emulator, but it may be slow: one long wait instead of several requests.
    return Client(
        connection.stream,
        attempts=1,
        timeout_s=_EMULATOR_TIMEOUT_S,
        run_timeout_s=_EMULATOR_PATIENCE * terms.run_timeout_s,
    )


def _scene(plan: BenchPlan, connection: Connection, client: Client) -> Scene:
    return Scene(
        places=CodePlaces(plan.build.elf),
        board_id=plan.board.id,
        stack_bytes=plan.board.stack_bytes,
        run_limit_ms=client.run_limit_ms,
        locate=connection.locate,
    )


def _measure(
    plan: BenchPlan,
    connection: Connection,
    client: Client,
    terms: Terms,
    journal: Journal,
    progress: Progress,
    position: Position,
) -> Measurement:
    info = client.connect(boot_wait_s=connection.boot_wait_s, timeout_s=CONNECT_TIMEOUT_S)
    _check_identity(plan, info)
    line_before = client.statistics()
    conversation = Conversation(client, reconnect=_reconnector(plan, client), keep_going=terms.keep_going)
    resumed_windows = len(journal.answered)
    answers = _ask_all(plan, connection, conversation, terms, journal, progress, position)
    has_ticks = connection.ticks_valid and info.counter_name != "none"
    position.doing = "the measurements after the last window"
    conversation.load(to_wire(plan.codes[-1]))
    profiles = tuple(answer.profile for answer in answers if answer.profile is not None)
    counts, clocks = Counts(ticks=None, profiles=profiles), None
    if has_ticks:
        ticks = tuple(answer.ticks for answer in answers)
        counts = replace(counts, ticks=ticks, operator_ticks=client.profile())
        if connection.emulator is None:
            position.doing = "the comparison with the host's clock"
            clocks = _compare_clocks(plan, client, info, answers, terms)
            counts = replace(
                counts, counter_problem=clocks.counter_problem, clock_problem=clocks.host_problem
            )
    pushes = None
    if terms.sliding:
        pushes = measure_sliding(
            plan,
            client,
            connection,
            count=terms.count,
            has_ticks=has_ticks,
            progress=lambda done, windows: progress(windows + done, 2 * windows),
            position=position,
        )
        pushes = replace(
            pushes,
            counts=replace(
                pushes.counts, counter_problem=counts.counter_problem, clock_problem=counts.clock_problem
            ),
        )
    position.doing = "the questions after the measurements"
    return Measurement(
        info=info,
        outputs=_outputs_of(answers, plan.expected),
        missing=tuple(conversation.missing),
        sessions_lost=conversation.sessions_lost,
        counts=counts,
        clocks=clocks,
        sliding=pushes,
        memory=client.memory(),
        device_line=_since(line_before, client.statistics()),
        link=client.link,
        answers=answers,
        resumed_windows=resumed_windows,
    )


def _ask_all(
    plan: BenchPlan,
    connection: Connection,
    conversation: Conversation,
    terms: Terms,
    journal: Journal,
    progress: Progress,
    position: Position,
) -> tuple[WindowAnswer, ...]:
    rows = len(plan.codes)
    counted = counted_rows(rows, terms.count)
    steps = rows * (2 if terms.sliding else 1)
    for row, codes in enumerate(plan.codes):
        if row in journal.answered:
            continue
        position.doing = f"window {row}"
        counter = connection.instruction_counter if row in counted else None
        result = conversation.answer(row, to_wire(codes), counter)
        if result is not None:
            profile = None if counter is None else counter.result()
            journal.add(WindowAnswer(row, result.output, result.ticks, result.timer_ticks, profile))
        progress(row + 1, steps)
    if not journal.answered:
        raise DeviceError(
            f"no window has an answer: {conversation.missing[-1].reason}",
            hint="bench without --keep-going, to see the first failure",
        )
    return tuple(journal.answered[row] for row in sorted(journal.answered))


def _outputs_of(answers: tuple[WindowAnswer, ...], expected: Codes) -> Codes:
    outputs = np.zeros_like(expected)
    for answer in answers:
        outputs[answer.row] = from_wire(answer.output, expected.dtype)
    return outputs


def _compare_clocks(
    plan: BenchPlan, client: Client, info: DeviceInfo, answers: tuple[WindowAnswer, ...], terms: Terms
) -> schema.Clocks:
    ticks = tuple(answer.ticks for answer in answers)
    host = None
    if min(ticks) != 0:
        host = time_by_host(client, info.clock_hz, terms.baud or plan.board.uart.baud)
    return check_clocks(info.counter_name, ticks, tuple(answer.timer_ticks for answer in answers), host)


def _reconnector(plan: BenchPlan, client: Client) -> Callable[[], None]:
    def reconnect() -> None:
        info = client.connect(boot_wait_s=_RESTART_WAIT_S, timeout_s=RECONNECT_TIMEOUT_S)
        _check_identity(plan, info)

    return reconnect


def _since(before: DeviceStatistics, after: DeviceStatistics) -> DeviceStatistics:
    """What was counted in between; everything since the start when the board restarted meanwhile."""
    counts = {f.name: getattr(after, f.name) - getattr(before, f.name) for f in fields(after)}
    return after if min(counts.values()) < 0 else DeviceStatistics(**counts)


def _check_identity(plan: BenchPlan, info: DeviceInfo) -> None:
    for what, expected, answered in (
        ("board", plan.manifest.board, info.board_id),
        ("model", plan.manifest.model_sha256, info.model_sha256),
        ("build", plan.manifest.build_id, info.build_id),
    ):
        if expected != answered:
            raise DeviceError(
                f"the device runs another firmware: its {what} is {answered[:32]}, expected {expected[:32]}",
                hint="flash the firmware that was built last: pio run --target upload in the firmware folder",
            )
    if info.model_status != 0:
        explanation = explain_status(info.runtime, info.model_status)
        raise DeviceError(explanation.message, hint=explanation.hint)
