"""A board that crashes, hangs or restarts in the middle of a session: what the client makes of it."""

import re
import struct
from dataclasses import replace
from itertools import pairwise

import pytest

from ppg_deploy.errors import DeviceError
from ppg_deploy.wire import table
from ppg_deploy.wire.client import Client
from ppg_deploy.wire.faults import FaultError, RestartError, describe
from ppg_deploy.wire.framing import Packet, encode_packet
from ppg_deploy.wire.link import NoAnswerError
from ppg_deploy.wire.messages import FaultReport
from tests.unit.test_wire_client import WINDOW, Answer, ScriptedStream, good_answer, info, reply

CRASH = FaultReport(
    kind=1,
    exception=3,
    fault_status=0x8200,
    hard_fault_status=0x4000_0000,
    bus_address=0x2FFF_FFF0,
    program_counter=0x0800_1234,
    link_register=0x0800_2001,
    stack_pointer=0x2000_0F00,
    runs=18,
)


def fault_data(report: FaultReport) -> bytes:
    """By hand, as docs/wire-protocol.md has it: a byte, then eight words."""
    words = (
        *(report.exception, report.fault_status, report.hard_fault_status, report.bus_address),
        *(report.program_counter, report.link_register, report.stack_pointer, report.runs),
    )
    return struct.pack("<B8I", report.kind, *words)


def unasked(message_type: int, data: bytes) -> bytes:
    return encode_packet(Packet(message_type, 0, data))


def refusal(request: Packet) -> bytes:
    return encode_packet(Packet(table.ERROR.type, request.sequence, struct.pack("<BBi", 6, request.type, 0)))


class RestartedBoard:
    """Refuses everything until a new session is opened; then tells why it restarted."""

    def __init__(self, cause: int, fault: FaultReport | None = None) -> None:
        self.cause = cause
        self.fault = fault
        self.open = False
        self.executed: list[int] = []

    def __call__(self, request: Packet) -> bytes:
        if request.type == table.HELLO.request.type:
            self.open = True
            return reply(request, info(request, restart_cause=self.cause))
        if not self.open:
            return refusal(request)
        self.executed.append(request.type)
        if request.type == table.LAST_FAULT.request.type and self.fault is not None:
            return reply(request, fault_data(self.fault))
        return good_answer(request)


def client_on(answer: Answer, **options: float) -> tuple[Client, ScriptedStream]:
    stream = ScriptedStream(good_answer)
    client = Client(stream, attempts=3, **{"timeout_s": 0.03, "run_timeout_s": 0.03, **options})  # type: ignore[arg-type]
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    client.load_input(WINDOW)
    stream.answer = answer
    stream.requests.clear()
    return client, stream


def test_a_fault_ends_the_exchange_at_once_with_the_report() -> None:
    client, stream = client_on(lambda _: unasked(table.FAULT.type, fault_data(CRASH)))
    with pytest.raises(
        FaultError, match="the firmware crashed at 0x08001234 during RUN: bus fault"
    ) as caught:
        client.run()
    assert caught.value.report == CRASH
    assert caught.value.exit_code == 5
    assert len(stream.requests) == 1


@pytest.mark.parametrize(
    ("cause", "name", "text"),
    [
        (1, "power", "brown-out"),
        (2, "pin", "reset pin"),
        (3, "software", "software"),
        (4, "watchdog", "hardware watchdog"),
        (0, "unknown", "do not tell"),
        (77, "unknown (77)", "do not tell"),
    ],
)
def test_a_restart_is_explained_by_the_board_itself(cause: int, name: str, text: str) -> None:
    client, _ = client_on(RestartedBoard(cause))
    with pytest.raises(RestartError, match=f"the board restarted during RUN: .*{text}") as caught:
        client.run()
    assert caught.value.cause == name


def test_after_a_lost_fault_frame_the_report_is_asked_for() -> None:
    board = RestartedBoard(5, CRASH)
    client, _ = client_on(board)
    with pytest.raises(FaultError) as caught:
        client.run()
    assert caught.value.report == CRASH
    assert board.executed == [table.LAST_FAULT.request.type]


def test_a_fault_restart_without_a_report() -> None:
    none = FaultReport(0, 0, 0, 0, 0, 0, 0, 0, 0)
    client, _ = client_on(RestartedBoard(5, none))
    with pytest.raises(RestartError, match="left no report"):
        client.run()


def test_a_boot_in_the_middle_of_a_session_is_a_restart() -> None:
    """BOOT alone proves nothing: the next attempt is refused when it is true."""
    board = RestartedBoard(4)
    boots = [unasked(table.BOOT.type, bytes(table.BOOT.min_bytes))]
    client, stream = client_on(lambda request: boots.pop() if boots else board(request), run_timeout_s=30.0)
    with pytest.raises(RestartError, match="hardware watchdog"):
        client.run()
    kinds = [request.type for request in stream.requests]
    assert kinds == [table.RUN.request.type, table.RUN.request.type, table.HELLO.request.type]


def test_an_echo_of_an_older_boot_does_not_end_the_session() -> None:
    boots = [unasked(table.BOOT.type, bytes(table.BOOT.min_bytes))]
    client, _ = client_on(lambda request: (boots.pop() if boots else b"") + good_answer(request))
    assert client.run().output == b"\5\6"


def test_an_echo_of_an_older_fault_does_not_end_the_next_session() -> None:
    # one in the first session, one at the opening of the next, one in it
    faults = [unasked(table.FAULT.type, fault_data(CRASH))] * 3
    client, _ = client_on(lambda request: (faults.pop() if faults else b"") + good_answer(request))
    with pytest.raises(FaultError):
        client.run()
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    assert client.infer(WINDOW).output == b"\5\6"


def test_a_board_that_crashes_while_it_starts_is_not_waited_for() -> None:
    stream = ScriptedStream(lambda _: unasked(table.FAULT.type, fault_data(CRASH)))
    client = Client(stream, timeout_s=0.05)
    with pytest.raises(FaultError, match="during start-up, again and again"):
        client.connect(boot_wait_s=0.0, timeout_s=60.0)
    assert len(stream.requests) == 3


def test_a_board_that_falls_silent_after_a_restart() -> None:
    client, _ = client_on(lambda request: refusal(request) if request.type == 3 else b"", timeout_s=1.0)
    with pytest.raises(RestartError, match="no ppg-deploy firmware answers"):
        client.run()


def test_the_run_time_limit_leaves_the_device_time_to_tell_of_a_hang() -> None:
    stream = ScriptedStream(lambda request: reply(request, info(request, run_limit_ms=60_000)))
    client = Client(stream, run_timeout_s=2.0)
    assert client.run_timeout_s == 2.0
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    assert client.run_timeout_s == 65.0


class TickingStream(ScriptedStream):
    """Simulated time: an empty read takes as long as it may."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.now = 0.0
        self.sent_at: list[float] = []

    def read(self, size: int = 1, /) -> bytes:
        self.now += 0.0 if self.received else self.timeout or 0.0
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def write(self, data: bytes, /) -> int | None:
        self.sent_at.append(self.now)
        return super().write(data)


def test_waits_grow_and_the_last_one_is_the_whole_limit() -> None:
    stream = TickingStream(good_answer)
    client = Client(stream, clock=lambda: stream.now)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    stream.answer = lambda _: b""
    stream.sent_at.clear()
    started = stream.now
    with pytest.raises(NoAnswerError, match="6 attempts"):
        client.memory()
    waits = [later - earlier for earlier, later in pairwise([*stream.sent_at, stream.now])]
    assert waits == pytest.approx([0.25, 0.5, 1.0, 1.0, 1.0, 1.0], abs=0.05)
    assert stream.now - started <= 6 * 1.05


def test_a_lost_answer_to_a_run_does_not_cost_the_whole_limit() -> None:
    stream = TickingStream(good_answer)
    client = Client(stream, clock=lambda: stream.now)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    client.infer(WINDOW)
    lost = [b""]
    stream.answer = lambda request: lost.pop() if lost and request.type == 3 else good_answer(request)
    started = stream.now
    assert client.infer(WINDOW).output == b"\5\6"
    assert stream.now - started < 0.5
    assert client.link.retries == 1


def test_pieces_become_smaller_while_frames_are_lost() -> None:
    sizes: list[int] = []
    large = bytes(1500)

    def loses_long_frames(request: Packet) -> bytes:
        if request.type == table.HELLO.request.type:
            data = bytearray(info(request))
            struct.pack_into("<I", data, 12, len(large))
            return reply(request, bytes(data))
        sizes.append(len(request.data) - 4)
        return good_answer(request) if len(request.data) < 300 or len(sizes) % 2 == 0 else b""

    stream = TickingStream(loses_long_frames)
    client = Client(stream, clock=lambda: stream.now)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    client.load_input(large)
    assert sizes[:4] == [508, 508, 254, 254]
    assert max(sizes[2:]) == 254


@pytest.mark.parametrize(
    ("fault_status", "hard_fault_status", "text"),
    [
        # Armv7-M Architecture Reference Manual, B3.2.15: MMFSR bits 0 to 7, BFSR 8 to 15, UFSR 16 to 25
        (0x0000_0082, 0, "memory management fault, data access at 0x2ffffff0"),
        (0x0000_0001, 0, "memory management fault, instruction fetch"),
        (0x0000_0010, 0, r"memory management fault, entering an exception \(stacking\)"),
        (0x0000_8200, 1 << 30, "bus fault, precise data access at 0x2ffffff0"),
        (0x0000_0400, 0, "bus fault, imprecise data access"),
        (0x0000_1000, 0, r"bus fault, entering an exception \(stacking\)"),
        (0x0001_0000, 0, "usage fault, undefined instruction"),
        (0x0002_0000, 0, "usage fault, invalid state"),
        (0x0008_0000, 0, "usage fault, no coprocessor"),
        (0x0100_0000, 0, "usage fault, unaligned access"),
        (0x0200_0000, 0, "usage fault, division by zero"),
        (0, 1 << 1, "bus fault while the vector table was read"),
        (0, 0, "hard fault, its registers give no reason"),
    ],
)
def test_fault_registers_in_words(fault_status: int, hard_fault_status: int, text: str) -> None:
    report = replace(CRASH, fault_status=fault_status, hard_fault_status=hard_fault_status)
    said = describe(report)
    assert re.fullmatch(f"{text}.*", said), said
    assert ("0x2ffffff0" in said) == bool(fault_status & 0x8080)


def test_an_interrupt_nobody_asked_for() -> None:
    report = replace(CRASH, exception=16 + 38, fault_status=0, hard_fault_status=0)
    assert describe(report) == "interrupt 38, which nobody asked for"


def test_every_failure_has_the_exit_code_of_a_device_error() -> None:
    for failure in (FaultError(CRASH, "RUN"), RestartError("pin", "RUN")):
        assert isinstance(failure, DeviceError)
        assert failure.exit_code == 5
        assert failure.hint
