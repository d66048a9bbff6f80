"""The unicorn port runs an unmodified firmware and counts it exactly."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_firmware import (
    BOARDS,
    BOOT_UNICORN,
    EXPECTED_CYCLES,
    EXPECTED_FLASH_LINES,
    EXPECTED_INSTRUCTIONS,
    STM32F4,
    STM32L4,
    build_fixture,
    word,
)

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import Connection, open_emulator

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytestmark = pytest.mark.arm


@pytest.fixture(scope="module", params=["STM32L4", "STM32F4"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def elf(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_fixture(family, tmp_path_factory.mktemp("fixture"))


@pytest.fixture
def device(family: str, elf: Path) -> Iterator[Connection]:
    connection = open_emulator("unicorn", elf=elf, board=BOARDS[family])
    assert connection.stream.read(100) == BOOT_UNICORN
    yield connection
    connection.close()


def ask(device: Connection, command: bytes, answer_bytes: int) -> bytes:
    device.stream.write(command)
    return device.stream.read(answer_bytes)


def test_reports_itself(device: Connection) -> None:
    assert device.source == "unicorn 2.1.3"
    assert device.emulator == "unicorn"
    assert not device.ticks_valid


def test_transfers_every_byte_value(device: Connection) -> None:
    everything = bytes(range(255))
    assert ask(device, b"e\xff" + everything, 255) == everything


def test_reads_as_much_as_is_there(device: Connection) -> None:
    device.stream.write(b"pp")
    assert device.stream.read(3) == b"PON"
    assert device.stream.read(100) == b"G\0PONG\0"


def test_read_of_idle_firmware_returns_at_once(device: Connection) -> None:
    device.stream.timeout = 30
    start = time.monotonic()
    assert device.stream.read(1) == b""
    assert time.monotonic() - start < 1


def test_counts_what_can_be_counted_by_hand(device: Connection) -> None:
    assert device.instruction_counter is not None
    device.instruction_counter.arm()
    answer = ask(device, b"m", 8)
    profile = device.instruction_counter.result()

    instructions = {cost.name: cost.instructions for cost in profile.by_function}
    cycles = {cost.name: cost.cycles_estimated for cost in profile.by_function}
    in_c = instructions.pop("c_kernel")
    cycles_in_c = cycles.pop("c_kernel")
    assert instructions == EXPECTED_INSTRUCTIONS
    assert cycles == EXPECTED_CYCLES
    assert profile.timing_model == "cortex-m4-zero-wait-state-v1"

    expected = EXPECTED_INSTRUCTIONS
    assert [(cost.index, cost.name, cost.instructions) for cost in profile.by_operator] == [
        (0, "ppg_model_op_000", expected["ppg_model_op_000"]),
        (1, "ppg_model_op_001", sum(expected[n] for n in ("ppg_model_op_001", "thousand_nops", "long_loop"))),
        (2, "ppg_model_op_002", expected["ppg_model_op_002"] + in_c),
        (3, "ppg_model_op_003", expected["ppg_model_op_003"]),
        (None, "run", expected["ppg_model_run"] + expected["copy_result"]),
    ]
    assert profile.instructions == sum(expected.values()) + in_c
    assert profile.cycles_estimated == sum(EXPECTED_CYCLES.values()) + (cycles_in_c or 0)
    # The device's own counter agrees: it also sees the call and the two readings.
    assert 0 <= word(answer[:4]) - profile.instructions <= 32


def test_flash_lines_are_counted_without_disturbing_the_count(
    device: Connection, family: str, elf: Path
) -> None:
    watching = open_emulator("unicorn", elf=elf, board=BOARDS[family], timing_model="stm32l4r5-120mhz-v1")
    assert watching.stream.read(100) == BOOT_UNICORN
    answers, profiles = [], []
    for connection in (device, watching):
        assert connection.instruction_counter is not None
        connection.instruction_counter.arm()
        answers.append(ask(connection, b"m", 8))
        profiles.append(connection.instruction_counter.result())
        assert ask(connection, b"m", 8)[4:] == answers[0][4:]
    watching.close()
    core, calibrated = profiles
    assert answers[0] == answers[1]
    assert [(cost.name, cost.instructions) for cost in core.by_function] == [
        (cost.name, cost.instructions) for cost in calibrated.by_function
    ]
    assert core.flash_lines is None
    assert calibrated.timing_model == "stm32l4r5-120mhz-v1"
    cycles = {cost.name: cost.cycles_estimated for cost in calibrated.by_function}
    assert cycles["ppg_model_op_003"] == round(
        1.062 * EXPECTED_CYCLES["ppg_model_op_003"] + 1.88 * EXPECTED_FLASH_LINES
    )
    # Reads nothing: only its core cycles count.
    assert cycles["long_loop"] == round(1.062 * EXPECTED_CYCLES["long_loop"])
    assert calibrated.by_operator[3].cycles_estimated == cycles["ppg_model_op_003"]
    assert calibrated.flash_lines is not None
    assert core.cycles_estimated is not None
    assert calibrated.cycles_estimated == pytest.approx(
        1.062 * core.cycles_estimated + 1.88 * calibrated.flash_lines, abs=1
    )


def test_counting_changes_nothing_and_can_be_repeated(device: Connection) -> None:
    assert device.instruction_counter is not None
    uncounted = ask(device, b"m", 8)
    profiles = []
    for _ in range(2):
        device.instruction_counter.arm()
        assert ask(device, b"n", 4) != bytes(4)
        counted = ask(device, b"m", 8)
        profiles.append(device.instruction_counter.result())
        assert counted[4:] == uncounted[4:]
        assert ask(device, b"m", 8) == uncounted
    assert profiles[0] == profiles[1]


def test_only_the_first_inference_after_arming_is_counted(device: Connection) -> None:
    assert device.instruction_counter is not None
    device.instruction_counter.arm()
    ask(device, b"m", 8)
    ask(device, b"m", 8)
    once = device.instruction_counter.result()
    assert once.by_operator[0].instructions == EXPECTED_INSTRUCTIONS["ppg_model_op_000"]


def test_ticks_stand_still_unless_counting(device: Connection) -> None:
    assert device.instruction_counter is not None
    assert word(ask(device, b"n", 4)) == 0
    device.instruction_counter.arm()
    # 1000 nops, one of the two readings, and the start of the blocks that the readings lie in.
    assert 1000 <= word(ask(device, b"n", 4)) <= 1016


def test_uncounted_runs_are_not_slowed_down(device: Connection) -> None:
    def run_time_s() -> float:
        start = time.monotonic()
        ask(device, b"m", 8)
        return time.monotonic() - start

    assert device.instruction_counter is not None
    before = min(run_time_s() for _ in range(5))
    device.instruction_counter.arm()
    counted = run_time_s()
    device.instruction_counter.result()
    after = min(run_time_s() for _ in range(5))
    assert max(before, after) < counted / 4


def test_result_without_inference_is_refused(device: Connection) -> None:
    assert device.instruction_counter is not None
    device.instruction_counter.arm()
    ask(device, b"p", 5)
    with pytest.raises(DeviceError, match="no inference"):
        device.instruction_counter.result()


def test_reset_restarts_the_firmware(device: Connection) -> None:
    assert ask(device, b"r", 8) == BOOT_UNICORN
    assert ask(device, b"p", 5) == b"PONG\0"


def test_sleeping_firmware_wakes_up_on_input(device: Connection) -> None:
    assert ask(device, b"z", 1) == b""
    assert ask(device, b"p", 5) == b"PONG\0"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (b"f", r"in main .*read of address 0x70000010 \(4 bytes\)"),
        (b"w", r"in main .*write to read-only address 0x08000000 \(4 bytes\)"),
        (b"u", r"in main .*Invalid instruction.*, and then in unexpected .*locked up"),
    ],
)
def test_crash_names_place_and_address(device: Connection, command: bytes, message: str) -> None:
    device.stream.write(command)
    with pytest.raises(DeviceError, match=message):
        device.stream.read(1)
    with pytest.raises(DeviceError, match=message):
        device.stream.write(b"p")


def test_hanging_firmware_is_bounded_by_the_timeout_and_ends_on_close(device: Connection) -> None:
    device.stream.timeout = 0.2
    device.stream.write(b"h")
    start = time.monotonic()
    assert device.stream.read(1) == b""
    assert 0.2 <= time.monotonic() - start < 1
    device.close()
    assert time.monotonic() - start < 2
    with pytest.raises(DeviceError, match="closed"):
        device.stream.read(1)


def test_short_timeouts_do_not_disturb_the_firmware(device: Connection) -> None:
    """A processor that were stopped and continued at each timeout would repeat instructions."""
    expected = ask(device, b"m", 8)
    device.stream.timeout = 0.0001
    for _ in range(20):
        device.stream.write(b"m")
        answer = b""
        while len(answer) < 8:
            answer += device.stream.read(8 - len(answer))
        assert answer == expected


def test_firmware_of_another_board_is_refused(elf: Path) -> None:
    board = replace(STM32L4, memory=tuple(replace(m, origin=m.origin + 0x1000000) for m in STM32L4.memory))
    with pytest.raises(InputError, match="outside the memory of fixture-l4"):
        open_emulator("unicorn", elf=elf, board=board)


def test_board_without_a_model_is_refused(elf: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no model of board fixture-f4"):
        open_emulator("unicorn", elf=elf, board=replace(STM32F4, register_model=None))
