"""Real images that crash, overflow their stack, or hang: what they tell, and that they come back.

QEMU's core takes the exceptions and stacks the frames; where the functions lie is read from the image by pyelftools.
"""

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_model import (
    BAD_ADDRESS,
    BAD_POINTER,
    HANG,
    STACK_OVERFLOW,
    WELL,
    build_faulty,
    function,
)

from ppg_deploy.boards import load_board
from ppg_deploy.ports import Connection, emulated_board, open_emulator
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet

pytestmark = [
    pytest.mark.arm,
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
]

BOARD = "netduinoplus2"
RUN_LIMIT_MS = 900
STACK_BOTTOM, STACK_BYTES = 0x2000_0000, 4096

HELLO, LOAD_INPUT, RUN, RUN_MANY, STATISTICS, LAST_FAULT = 0x01, 0x02, 0x03, 0x05, 0x0A, 0x0C
BOOT, FAULT = 0xC0, 0xC1
UNKNOWN, BY_FAULT = 0, 5
EXCEPTION, OVERFLOWN, HUNG = 1, 2, 3
FAULT_FIELDS = ("kind", "exception", "cfsr", "hfsr", "address", "pc", "lr", "sp", "runs")


class Device:
    """A board in QEMU, spoken to in single packets."""

    def __init__(self, connection: Connection) -> None:
        self._stream = connection.stream
        self._stream.timeout = 20.0
        self._decoder = FrameDecoder()
        self._waiting: list[Packet] = []
        self._sequence = 0
        self.boot = self.receive(BOOT)

    def receive(self, kind: int) -> bytes:
        while not self._waiting:
            byte = self._stream.read(1)
            assert byte, "no packet within 20 s"
            self._waiting += self._decoder.feed(byte)
        packet = self._waiting.pop(0)
        assert packet.type == kind
        return packet.data

    def send(self, request: int, data: bytes = b"") -> None:
        self._sequence += 1
        self._stream.write(encode_packet(Packet(request, self._sequence, data)))

    def ask(self, request: int, data: bytes = b"") -> bytes:
        self.send(request, data)
        return self.receive(request | 0x80)

    def run(self, what: int) -> None:
        """Opens a session and starts a run whose reply nobody waits for."""
        self._sequence = 0
        self.ask(HELLO, struct.pack("<I", what + 1))
        self.ask(LOAD_INPUT, struct.pack("<IBBBB", 0, what, 10, 20, 30))
        self.send(RUN)

    def expect_fault(self) -> dict[str, int]:
        """The fault that the board tells, once it has restarted and told it a second time."""
        told = self.receive(FAULT)
        self.boot = self.receive(BOOT)
        assert self.boot[173] == BY_FAULT
        self._sequence = 0
        self.ask(HELLO, b"\x99\0\0\0")
        assert self.ask(LAST_FAULT) == told
        return dict(zip(FAULT_FIELDS, struct.unpack("<B8I", told), strict=True))

    def expect_answer(self) -> tuple[int, int, bytes]:
        """Ticks by both counters, and the output, of a run that goes well."""
        status, _, ticks, timer_ticks, _, output = struct.unpack("<iIIII4s", self.receive(RUN | 0x80))
        assert status == 0
        return ticks, timer_ticks, output


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_faulty(BOARD, tmp_path_factory.mktemp("faulty") / "fw", run_limit_ms=RUN_LIMIT_MS)


@pytest.fixture
def device(elf: Path) -> Iterator[Device]:
    connection = open_emulator("qemu", elf=elf, board=emulated_board(load_board(BOARD)))
    try:
        yield Device(connection)
    finally:
        connection.close()


def test_goes_well_when_nothing_is_wrong(device: Device) -> None:
    # RCC_CSR reads 0 in QEMU. The limit is that of the build.
    assert (device.boot[173], struct.unpack_from("<I", device.boot, 174)) == (UNKNOWN, (RUN_LIMIT_MS,))
    device.run(WELL)
    ticks, timer_ticks, output = device.expect_answer()
    assert output == bytes([1, 11, 21, 31])
    # Both are SysTick in QEMU; the second one is read a little further out.
    assert 0 < ticks <= timer_ticks < ticks + 200
    assert device.ask(LAST_FAULT) == bytes(33)
    assert struct.unpack("<8I", device.ask(STATISTICS))[5] == 0


def test_a_bad_pointer(device: Device, elf: Path) -> None:
    device.run(BAD_POINTER)
    fault = device.expect_fault()
    assert (fault["kind"], fault["exception"], fault["runs"]) == (EXCEPTION, 3, 1)
    # Armv7-M B3.2.15: BFARVALID and PRECISERR; HFSR: FORCED, because no fault of its own is enabled.
    assert (fault["cfsr"], fault["hfsr"], fault["address"]) == (0x8200, 1 << 30, BAD_ADDRESS)
    assert fault["pc"] in function(elf, "read_badly")
    assert fault["lr"] & ~1 in function(elf, "ppg_model_run")
    assert STACK_BOTTOM < fault["sp"] < STACK_BOTTOM + STACK_BYTES


def test_a_stack_overflow(device: Device) -> None:
    device.run(STACK_OVERFLOW)
    fault = device.expect_fault()
    assert (fault["kind"], fault["exception"], fault["runs"]) == (OVERFLOWN, 3, 1)
    assert fault["sp"] <= STACK_BOTTOM
    # Nothing could be stacked below the memory's start.
    assert (fault["pc"], fault["lr"]) == (0, 0)


def test_a_hang(device: Device, elf: Path) -> None:
    device.run(HANG)
    fault = device.expect_fault()
    assert (fault["kind"], fault["exception"], fault["runs"]) == (HUNG, 15, 1)
    assert (fault["cfsr"], fault["hfsr"], fault["address"]) == (0, 0, 0)
    assert fault["pc"] in function(elf, "spin")
    assert fault["lr"] & ~1 in function(elf, "ppg_model_run")
    assert STACK_BOTTOM < fault["sp"] < STACK_BOTTOM + STACK_BYTES


def test_the_board_works_again_after_each(device: Device) -> None:
    for runs, what in enumerate((BAD_POINTER, STACK_OVERFLOW, HANG, BAD_POINTER), start=1):
        device.run(what)
        device.expect_fault()
        device.run(WELL)
        assert device.expect_answer()[2] == bytes([1, 11, 21, 31]), runs


def test_runs_are_counted_since_the_start(device: Device) -> None:
    device.run(WELL)
    device.expect_answer()
    device.ask(RUN_MANY, struct.pack("<II", 0, 5))
    device.run(HANG)
    assert device.expect_fault()["runs"] == 1 + 5 + 1


def test_many_runs_tell_the_sum_of_the_second_counter(device: Device) -> None:
    device.run(WELL)
    device.expect_answer()
    reply = device.ask(RUN_MANY, struct.pack("<II", 0, 32))
    assert len(reply) == 16 + 4 * 32
    # Each run is a little longer by the outer counter.
    ticks = sum(struct.unpack_from("<32I", reply, 16))
    assert ticks <= struct.unpack_from("<I", reply, 12)[0] < ticks + 32 * 200
