"""What the bench application tells of faults and of its second counter, byte by byte.

The expected bytes are written down from docs/wire-protocol.md by hand, for the figures of app/fake_bsp.c.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_device import FakeModel, PipeStream, compile_device, running

from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet

MODEL = FakeModel(input_bytes=16, output_bytes=4, operators=3)
SLIDING = FakeModel(input_bytes=16, output_bytes=4, operators=3, hop=16)

HELLO, LOAD_INPUT, RUN, RUN_MANY, PROFILE, PUSH, LAST_FAULT = 0x01, 0x02, 0x03, 0x05, 0x06, 0x0B, 0x0C
BOOT, FAULT = 0xC0, 0xC1
PIN, CAUSED_BY_FAULT = 2, 5
CRASH = bytes([2]) + b"".join(
    bytes([first + 4, first + 3, first + 2, first + 1])
    for first in (0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70)
)
"""kind STACK_OVERFLOW, then eight words, the low byte first."""


class Line:
    """Sends requests with rising sequence numbers and checks that each reply belongs to its request."""

    def __init__(self, stream: PipeStream) -> None:
        stream.timeout = 5.0
        self._stream = stream
        self._decoder = FrameDecoder()
        self._sequence = 0

    def receive(self) -> Packet:
        while True:
            byte = self._stream.read(1)
            assert byte, "no packet within 5 s"
            for packet in self._decoder.feed(byte):
                return packet

    def send(self, request: int, data: bytes = b"") -> None:
        self._sequence += 1
        self._stream.write(encode_packet(Packet(request, self._sequence, data)))

    def ask(self, request: int, data: bytes = b"") -> bytes:
        self.send(request, data)
        reply = self.receive()
        assert (reply.type, reply.sequence) == (request | 0x80, self._sequence)
        return reply.data


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_device(tmp_path_factory.mktemp("device"), MODEL)


@pytest.fixture
def line(program: Path) -> Iterator[Line]:
    with running(program) as stream:
        line = Line(stream)
        boot = line.receive()
        assert (boot.type, boot.data[173]) == (BOOT, PIN)
        line.ask(HELLO, b"\1\0\0\0")
        yield line


def load(line: Line, first_code: int) -> None:
    line.ask(LOAD_INPUT, bytes(4) + bytes([first_code]) + bytes(15))


def test_the_run_limit_and_the_cause_of_the_start_end_the_info(line: Line) -> None:
    info = line.ask(HELLO, b"\2\0\0\0")
    assert len(info) == 178
    assert info[173:] == bytes([PIN]) + (1500).to_bytes(4, "little")


def test_the_second_counter_of_a_run_stands_behind_the_first(line: Line) -> None:
    load(line, 1)
    for number in range(2):
        status, _, ticks, timer_ticks = struct.unpack_from("<iIII", line.ask(RUN))
        assert (status, ticks, timer_ticks) == (0, 1000 + number, 500)


def test_the_second_counter_of_many_runs_is_their_sum(line: Line) -> None:
    load(line, 1)
    reply = line.ask(RUN_MANY, struct.pack("<II", 0, 4))
    assert struct.unpack_from("<I", reply, 12) == (500 + 500 + 501 + 501,)
    assert struct.unpack_from("<4I", reply, 16) == (1000, 1001, 1002, 1003)


def test_a_failing_run_leaves_none_begun(line: Line) -> None:
    for _ in range(2):
        load(line, 127)
        assert struct.unpack_from("<iIII", line.ask(RUN))[0] == -7
        assert struct.unpack_from("<i", line.ask(PROFILE, bytes(4))) == (-7,)


def test_the_second_counter_of_a_push(tmp_path: Path) -> None:
    with running(compile_device(tmp_path, SLIDING)) as stream:
        line = Line(stream)
        line.receive()
        line.ask(HELLO, b"\1\0\0\0")
        load(line, 1)
        reply = line.ask(PUSH, b"\1")
        # The fake model gives a push 1000 ticks, then 4000 more, of which the timer sees half.
        assert struct.unpack_from("<II", reply, 9) == (5000, 2500)


def test_no_fault_on_record(line: Line) -> None:
    assert line.ask(LAST_FAULT) == bytes(33)


def test_a_fault_is_told_before_the_restart_and_after_it(line: Line) -> None:
    load(line, 126)
    line.send(RUN)
    fault, boot = line.receive(), line.receive()
    assert (fault.type, fault.sequence, fault.data) == (FAULT, 0, CRASH)
    assert (boot.type, boot.data[173]) == (BOOT, CAUSED_BY_FAULT)
    line.ask(HELLO, b"\3\0\0\0")
    assert line.ask(LAST_FAULT) == CRASH
