"""Real images that crash, overflow their stack, or hang, in unicorn: reported and survived as in QEMU."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_model import BAD_ADDRESS, BAD_POINTER, HANG, STACK_OVERFLOW, WELL, build_faulty, function
from test_faults_qemu import BY_FAULT, EXCEPTION, LAST_FAULT, OVERFLOWN, RUN_MANY, STATISTICS, Device

from ppg_deploy.boards import load_board
from ppg_deploy.errors import DeviceError
from ppg_deploy.ports import Connection, emulated_board, open_emulator
from ppg_deploy.wire.framing import Packet, encode_packet

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytestmark = pytest.mark.arm

HELLO, LOAD_INPUT, RUN, ECHO, RESET = 0x01, 0x02, 0x03, 0x08, 0x09
POWER, SOFTWARE = 1, 3
BOARDS = ("nucleo-l476rg", "nucleo-f446re", "nrf52840-dk", "nucleo-h743zi")


@pytest.fixture(scope="module", params=BOARDS)
def board(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def elf(board: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_faulty(board, tmp_path_factory.mktemp("faulty") / "fw", run_limit_ms=900)


@pytest.fixture
def connection(board: str, elf: Path) -> Iterator[Connection]:
    connection = open_emulator("unicorn", elf=elf, board=emulated_board(load_board(board)))
    yield connection
    connection.close()


@pytest.fixture
def device(connection: Connection) -> Device:
    return Device(connection)


def test_a_bad_pointer(device: Device, elf: Path) -> None:
    assert device.boot[173] == POWER
    device.run(BAD_POINTER)
    fault = device.expect_fault()
    assert (fault["kind"], fault["exception"], fault["runs"]) == (EXCEPTION, 3, 1)
    assert (fault["cfsr"], fault["hfsr"], fault["address"]) == (0x8200, 1 << 30, BAD_ADDRESS)
    assert fault["pc"] in function(elf, "read_badly")
    assert fault["lr"] & ~1 in function(elf, "ppg_model_run")
    device.run(WELL)
    assert device.expect_answer()[2] == bytes([1, 11, 21, 31])


def test_a_stack_overflow(device: Device, elf: Path) -> None:
    device.run(STACK_OVERFLOW)
    fault = device.expect_fault()
    assert (fault["kind"], fault["exception"], fault["runs"]) == (OVERFLOWN, 3, 1)
    # Nothing could be stacked below the memory's start; but the calls that led there are still on the stack.
    assert fault["pc"] == 0
    assert fault["lr"] & ~1 in function(elf, "recurse")
    device.run(WELL)
    assert device.expect_answer()[2] == bytes([1, 11, 21, 31])


def test_a_hang_is_located_from_outside(connection: Connection, elf: Path) -> None:
    device = Device(connection)
    device.run(HANG)
    time.sleep(0.2)
    assert connection.locate is not None
    place = connection.locate()
    assert place is not None
    assert place.program_counter in function(elf, "spin")
    assert place.link_register & ~1 in function(elf, "ppg_model_run")
    assert connection.locate() is None
    with pytest.raises(DeviceError, match="stopped to see where"):
        connection.stream.read(1)
    with pytest.raises(DeviceError, match="stopped to see where"):
        connection.stream.write(b"x")


def test_a_reset_by_command_is_told_apart_from_power_on(device: Device) -> None:
    device.ask(HELLO, b"\1\0\0\0")
    device.ask(RESET)
    assert device.receive(0xC0)[173] == SOFTWARE
    assert device.boot[173] == POWER


def test_memory_survives_a_restart(device: Device) -> None:
    device.run(BAD_POINTER)
    device.expect_fault()
    device.ask(RESET)
    assert device.receive(0xC0)[173] != BY_FAULT
    device.ask(HELLO, b"\2\0\0\0")
    assert device.ask(LAST_FAULT)[0] == EXCEPTION


def test_bytes_that_arrive_while_the_firmware_computes(connection: Connection) -> None:
    """Requests behind each other without waiting: more than a frame is on its way while the board is at work."""
    device = Device(connection)
    device.ask(HELLO, b"\1\0\0\0")
    payloads = [bytes([index]) * 500 for index in range(8)]
    requests = b""
    for sequence, payload in enumerate(payloads, start=10):
        requests += encode_packet(Packet(RUN_MANY, 2 * sequence, (0).to_bytes(4, "little") + b"\x20\0\0\0"))
        requests += encode_packet(Packet(ECHO, 2 * sequence + 1, payload))
    connection.stream.write(requests)
    for payload in payloads:
        device.receive(RUN_MANY | 0x80)
        assert device.receive(ECHO | 0x80) == payload
    device._sequence = 100
    statistics = device.ask(STATISTICS)
    # No bad frame of any kind, and no byte lost.
    assert statistics[4:24] == bytes(20)
