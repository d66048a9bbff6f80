"""Exception entry, return and faults: unicorn with our exception model against frames worked out by hand and QEMU's.

By hand: ARMv7-M Architecture Reference Manual, B1.5.6 to B1.5.8 (frames, EXC_RETURN), B3.2.15 and B3.2.16 (CFSR, HFSR).
"""

import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fixture_firmware import COMPILER, SOURCES, STM32F4

from ppg_deploy.errors import DeviceError
from ppg_deploy.ports import Connection, open_emulator

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytestmark = pytest.mark.arm

PROCESS_STACK = 0x2001_0000
FRAME = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
FRAME_WORDS = 27
SEEN = ("frame", "ipsr", "control", "exc_return", "cfsr", "hfsr", "bfar", "dfsr")
AFTERWARDS = ("r0", "r1", "r2", "r3", "r12", "lr", "sp", "apsr", "control")
REGISTERS = {
    "r0": 0x1000_0001,
    "r1": 0x2000_0002,
    "r2": 0x3000_0003,
    "r3": 0x4000_0004,
    "r12": 0xC000_000C,
    "lr": 0xE000_000E,
}
FLAGS, FPSCR = 0xA800_0000, 0x93C0_009F
FLOATS = [0x3F80_0000 + index for index in range(16)]
THUMB, REALIGNED = 1 << 24, 1 << 9
# Where scene() puts its stack pointer: not at a multiple of 8.
IN_SCENE = 0x2001_7C04
INTERRUPT_5, INTERRUPT_37 = 16 + 5, 16 + 37


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is not installed")
    elf = tmp_path_factory.mktemp("exceptions") / "exceptions.elf"
    subprocess.run(
        [
            *(
                COMPILER,
                "-mcpu=cortex-m4",
                "-mthumb",
                "-mfloat-abi=soft",
                "-O2",
                "-std=gnu11",
                "-ffreestanding",
            ),
            *("-nostdlib", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"),
            *("-T", str(SOURCES / "fixture.ld"), "-o", str(elf), str(SOURCES / "exceptions.c"), "-lgcc"),
        ],
        check=True,
        timeout=60,
    )
    return elf


def address(elf: Path, name: str) -> int:
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        symbol = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(name)[0]
        return int(symbol["st_value"]) & ~1


class Report:
    """The words that the firmware sends."""

    def __init__(self, words: tuple[int, ...]) -> None:
        self.frame = dict(zip(FRAME, words, strict=False))
        self.floats, self.fpscr = list(words[8:24]), words[24]
        self.seen = dict(zip(SEEN, words[FRAME_WORDS:], strict=False))
        afterwards = words[FRAME_WORDS + len(SEEN) :]
        self.afterwards = dict(zip(AFTERWARDS, afterwards, strict=False))
        # unicorn shows SFPA, which the Cortex-M4 does not have.
        self.afterwards["control"] &= 7
        self.floats_afterwards, self.fpscr_afterwards = list(afterwards[9:25]), afterwards[25]


def boot(elf: Path, emulator: str = "unicorn") -> Connection:
    connection = open_emulator(emulator, elf=elf, board=STM32F4)
    connection.stream.timeout = 10
    assert connection.stream.read(1) == b"B"
    return connection


def run(elf: Path, command: bytes, emulator: str = "unicorn") -> Report:
    connection = boot(elf, emulator)
    try:
        connection.stream.write(command)
        size = 4 * (FRAME_WORDS + len(SEEN) + 26)
        data = connection.stream.read(size)
        assert len(data) == size
        return Report(struct.unpack(f"<{size // 4}I", data))
    finally:
        connection.close()


Runner = Callable[[bytes], Report]


@pytest.fixture(
    params=[
        "unicorn",
        pytest.param(
            "qemu",
            marks=[
                pytest.mark.qemu,
                pytest.mark.skipif(
                    shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"
                ),
            ],
        ),
    ]
)
def played(request: pytest.FixtureRequest, elf: Path) -> Runner:
    """Runs a scene; that QEMU passes the same tests shows that the hand-worked values are right."""
    return lambda command: run(elf, command, request.param)


@pytest.mark.parametrize(
    ("kind", "stack_before", "frame_at", "padding", "exc_return", "control"),
    [
        # 'o' lowers the stack pointer to a multiple of 8.
        (b"b", IN_SCENE, IN_SCENE - 4 - 0x20, REALIGNED, 0xFFFFFFF9, 0),
        (b"o", IN_SCENE - 4, IN_SCENE - 4 - 0x20, 0, 0xFFFFFFF9, 0),
        (b"f", IN_SCENE, IN_SCENE - 4 - 0x68, REALIGNED, 0xFFFFFFE9, 4),
        (b"p", PROCESS_STACK, PROCESS_STACK - 0x20, 0, 0xFFFFFFFD, 2),
    ],
)
def test_interrupt_is_taken_behind_the_masked_section(
    played: Runner,
    elf: Path,
    kind: bytes,
    stack_before: int,
    frame_at: int,
    padding: int,
    exc_return: int,
    control: int,
) -> None:
    told = played(kind)
    place = address(elf, "return_of_interrupt")
    assert told.frame == REGISTERS | {"pc": place, "xpsr": FLAGS | THUMB | padding}
    assert (told.seen["frame"], told.seen["ipsr"]) == (frame_at, INTERRUPT_5)
    assert told.seen["exc_return"] == exc_return
    # In the handler: main stack, and no floating-point context yet.
    assert told.seen["control"] & 7 == 0
    assert told.afterwards == REGISTERS | {"sp": stack_before, "apsr": FLAGS, "control": control}
    if kind == b"f":
        assert (told.floats, told.fpscr) == (FLOATS, FPSCR)
        assert (told.floats_afterwards, told.fpscr_afterwards) == (FLOATS, FPSCR)


def test_supervisor_call(played: Runner, elf: Path) -> None:
    told = played(b"s")
    assert told.frame == REGISTERS | {
        "pc": address(elf, "return_of_svc"),
        "xpsr": FLAGS | THUMB | REALIGNED,
    }
    assert (told.seen["ipsr"], told.seen["exc_return"]) == (11, 0xFFFFFFF9)
    assert told.afterwards == REGISTERS | {"sp": IN_SCENE, "apsr": FLAGS, "control": 0}


def test_byte_that_arrives_before_the_sleep_ends_it(elf: Path) -> None:
    """The lost wake-up: the second byte is there before `cpsid i; ...; wfi; cpsie i` begins.

    QEMU 7.2 raises the UART's interrupt only for bytes that arrive once it is enabled; scene 'b' shows it the rest.
    """
    told = run(elf, b"L!")
    assert told.seen["ipsr"] == INTERRUPT_37
    assert told.frame["pc"] == address(elf, "return_of_interrupt")
    assert told.afterwards == REGISTERS | {"sp": IN_SCENE, "apsr": FLAGS, "control": 0}


def test_byte_that_arrives_during_the_sleep_ends_it(elf: Path) -> None:
    connection = boot(elf)
    connection.stream.write(b"L")
    assert connection.stream.read(1) == b""
    connection.stream.write(b"!")
    assert len(connection.stream.read(1000)) == 4 * (FRAME_WORDS + len(SEEN) + 26)
    connection.close()


def test_interrupt_that_is_not_enabled_does_not_end_the_sleep(elf: Path) -> None:
    connection = boot(elf)
    connection.stream.timeout = 0.3
    connection.stream.write(b"n")
    assert connection.stream.read(1) == b""
    connection.stream.write(b"more")
    assert connection.stream.read(1) == b""
    connection.close()


FORCED = 1 << 30
PRECISE, BUS_ADDRESS_VALID, STACKING = 1 << 9, 1 << 15, 1 << 12


@pytest.mark.parametrize(
    ("kind", "place", "exception", "cfsr", "hfsr", "bus_address"),
    [
        (b"r", "bad_read", 3, PRECISE | BUS_ADDRESS_VALID, FORCED, 0x6000_0010),
        (b"x", "bad_read", 5, PRECISE | BUS_ADDRESS_VALID, 0, 0x6000_0010),
        (b"w", "bad_write", 3, PRECISE | BUS_ADDRESS_VALID, FORCED, 0x6000_000C),
        (b"u", "undefined", 3, 1 << 16, FORCED, None),
        (b"j", 0x6000_0000, 3, 1 << 8, FORCED, None),
        (b"e", "even", 3, 1 << 17, FORCED, None),
    ],
)
def test_fault_names_its_cause_and_instruction(
    played: Runner,
    elf: Path,
    kind: bytes,
    place: str | int,
    exception: int,
    cfsr: int,
    hfsr: int,
    bus_address: int | None,
) -> None:
    told = played(kind)
    assert told.frame["pc"] == (place if isinstance(place, int) else address(elf, place))
    assert (told.seen["ipsr"], told.seen["exc_return"]) == (exception, 0xFFFFFFF9)
    assert (told.seen["cfsr"], told.seen["hfsr"]) == (cfsr, hfsr)
    assert told.frame["xpsr"] & THUMB == (0 if kind == b"e" else THUMB)
    if bus_address is not None:
        assert told.seen["bfar"] == bus_address


def test_frame_below_memory_is_not_stored(played: Runner) -> None:
    """The push reaches below RAM, from 16 bytes above its start; so would the frame."""
    told = played(b"S")
    assert told.seen["ipsr"] == 3
    assert told.seen["cfsr"] == PRECISE | STACKING | BUS_ADDRESS_VALID
    assert told.seen["frame"] == 0x2000_0010 - 0x20
    assert set(told.frame.values()) == {0}


def test_break_point_without_a_debugger(elf: Path) -> None:
    """HFSR.DEBUGEVT and DFSR.BKPT (C1.6.2); QEMU says FORCED."""
    told = run(elf, b"k")
    assert told.frame["pc"] == address(elf, "break_point")
    assert (told.seen["ipsr"], told.seen["hfsr"], told.seen["dfsr"]) == (3, 1 << 31, 1 << 1)


def test_the_board_cannot_be_asked_where_it_is_when_it_only_waits(elf: Path) -> None:
    connection = boot(elf)
    assert connection.stream.read(1) == b""
    assert connection.locate is not None
    assert connection.locate() is None
    connection.stream.write(b"b")
    assert connection.stream.read(4) == REGISTERS["r0"].to_bytes(4, "little")
    connection.close()
    with pytest.raises(DeviceError, match="closed"):
        connection.stream.write(b"b")
