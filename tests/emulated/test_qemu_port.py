"""The QEMU port, and its count of instructions against unicorn's."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_firmware import BOOT_QEMU, BOOT_UNICORN, STM32F4, STM32L4, build_fixture, word

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import Connection, open_emulator
from ppg_deploy.ports.qemu_port import PROGRAM, QemuStream

pytestmark = [
    pytest.mark.arm,
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
]


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_fixture("STM32F4", tmp_path_factory.mktemp("fixture"))


@pytest.fixture
def device(elf: Path) -> Iterator[Connection]:
    connection = open_emulator("qemu", elf=elf, board=STM32F4)
    connection.stream.timeout = connection.boot_wait_s
    assert connection.stream.read(len(BOOT_QEMU)) == BOOT_QEMU
    yield connection
    connection.close()


def process_id(device: Connection) -> int:
    assert isinstance(device.stream, QemuStream)
    return device.stream._process.pid


def test_reports_itself(device: Connection) -> None:
    name, version, machine = device.source.split()
    assert (name, machine) == ("qemu", "netduinoplus2")
    assert version[0].isdigit()
    assert device.ticks_valid


def test_transfers_every_byte_value(device: Connection) -> None:
    everything = bytes(range(255))
    device.stream.write(b"e\xff" + everything)
    assert device.stream.read(255) == everything


def test_round_trips_are_not_delayed(device: Connection) -> None:
    """A TCP socket without TCP_NODELAY on QEMU's side takes 45 ms each."""
    start = time.monotonic()
    for _ in range(20):
        device.stream.write(b"p")
        assert device.stream.read(5) == b"PONG\0"
    assert time.monotonic() - start < 0.4


def test_read_ends_after_the_timeout(device: Connection) -> None:
    device.stream.timeout = 0.2
    start = time.monotonic()
    assert device.stream.read(1) == b""
    assert 0.2 <= time.monotonic() - start < 1


def test_ticks_convert_to_instructions(device: Connection) -> None:
    assert device.instructions_per_tick is not None
    device.stream.write(b"n")
    # 1000 nops and the code of the readings; one tick is six instructions.
    assert 1000 <= word(device.stream.read(4)) * device.instructions_per_tick <= 1024


def test_agrees_with_unicorn(device: Connection, elf: Path) -> None:
    pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
    device.stream.write(b"m")
    of_qemu = device.stream.read(8)

    unicorn = open_emulator("unicorn", elf=elf, board=STM32F4)
    assert unicorn.stream.read(100) == BOOT_UNICORN
    assert unicorn.instruction_counter is not None
    unicorn.instruction_counter.arm()
    unicorn.stream.write(b"m")
    of_unicorn = unicorn.stream.read(8)
    profile = unicorn.instruction_counter.result()
    unicorn.close()

    assert of_qemu[4:] == of_unicorn[4:]
    assert device.instructions_per_tick is not None
    instructions = word(of_qemu[:4]) * device.instructions_per_tick
    assert profile.instructions > 1_000_000
    assert instructions == pytest.approx(profile.instructions, rel=0.001)
    # Far closer, in fact: the call and the readings around it, and one tick of six instructions.
    assert abs(instructions - profile.instructions) < 40


def test_close_ends_the_process(device: Connection) -> None:
    process = process_id(device)
    device.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(DeviceError, match="closed"):
        device.stream.read(1)
    device.close()


def test_death_of_the_process_is_reported(device: Connection) -> None:
    os.kill(process_id(device), signal.SIGKILL)
    with pytest.raises(DeviceError, match="exit status -9"):
        device.stream.read(1)


def test_unknown_machine_is_reported_in_qemus_words(elf: Path) -> None:
    connection = open_emulator("qemu", elf=elf, board=replace(STM32F4, qemu_machine="nosuch"))
    with pytest.raises(DeviceError, match="unsupported machine type"):
        connection.stream.read(1)
    connection.close()


def test_board_without_a_machine_is_refused(elf: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no model of board fixture-l4"):
        open_emulator("qemu", elf=elf, board=STM32L4)


def test_missing_firmware_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no firmware"):
        open_emulator("qemu", elf=tmp_path / "none.elf", board=STM32F4)
