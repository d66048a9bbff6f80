from pathlib import Path

import pytest
from pydantic import ValidationError

from ppg_deploy.boards import list_boards, load_board, parse_pin, read_board
from ppg_deploy.errors import InputError
from ppg_deploy.shipped import shipped_folder


def write_board(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "board.toml"
    path.write_text(text)
    return path


def shipped_text(board_id: str) -> str:
    return (shipped_folder("boards") / board_id / "board.toml").read_text()


def test_nucleo_l476rg_has_the_chip_manuals_facts() -> None:
    board = load_board("nucleo-l4")
    assert board.id == "nucleo-l476rg"
    assert board.clock_hz == 80_000_000
    assert (board.code_memory.origin, board.code_memory.size_bytes) == (0x0800_0000, 1024 * 1024)
    # SRAM1 only: SRAM2 is not contiguous on this chip (RM0351, memory map).
    assert (board.data_memory.origin, board.data_memory.size_bytes) == (0x2000_0000, 96 * 1024)
    assert (board.uart.instance, board.uart.base) == ("USART2", 0x4000_4400)
    assert (board.uart.enable_offset, board.uart.enable_bit) == (0x58, 17)
    assert board.core.dsp
    assert not board.power.verified


def test_netduinoplus2_names_its_qemu_machine() -> None:
    board = load_board("netduinoplus2")
    assert (board.clock_hz, board.family) == (168_000_000, "stm32f4")
    assert (board.uart.base, board.uart.enable_bit) == (0x4001_1000, 4)
    assert board.emulators.qemu is not None
    assert (board.emulators.qemu.machine, board.emulators.qemu.systick_hz) == ("netduinoplus2", 168_000_000)


@pytest.mark.parametrize("name", ["nucleo-l476rg", "nucleo-l4", "nucleo_l476rg", "NUCLEO-L4"])
def test_a_board_answers_to_its_id_and_aliases(name: str) -> None:
    assert load_board(name).id == "nucleo-l476rg"


def test_an_unknown_board_lists_the_known_ones_and_the_closest() -> None:
    with pytest.raises(InputError) as caught:
        load_board("nucleo-l7")
    assert "netduinoplus2" in caught.value.message
    assert "nucleo-l476rg (or nucleo-l4)" in caught.value.message
    assert "nucleo-l4" in caught.value.hint


def test_a_users_board_is_found_and_replaces_a_shipped_one(tmp_path: Path) -> None:
    mine = shipped_text("nucleo-l476rg").replace("clock_hz = 80_000_000", "clock_hz = 16_000_000")
    mine = mine.replace("pll_n = 10\npll_r = 2", "pll_n = 8\npll_r = 8")
    write_board(tmp_path / "nucleo-l476rg", mine)
    assert load_board("nucleo-l4", boards_dirs=(tmp_path,)).clock_hz == 16_000_000
    assert load_board("nucleo-l4").clock_hz == 80_000_000


def test_two_boards_with_one_name_are_refused(tmp_path: Path) -> None:
    write_board(
        tmp_path / "other", shipped_text("nucleo-l476rg").replace('id = "nucleo-l476rg"', 'id = "other"')
    )
    with pytest.raises(InputError, match="nucleo-l476rg and other are both called 'nucleo-l4'"):
        list_boards(boards_dirs=(tmp_path,))


def test_a_missing_folder_of_boards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_board("nucleo-l4", boards_dirs=(tmp_path / "none",))


@pytest.mark.parametrize(
    ("find", "replace", "named"),
    [
        ('mcu = "stm32l476rgt6"\n', "", "mcu: Field required"),
        ("[clock]\n", "[clock]\ncolour = 1\n", "clock.colour: Extra inputs"),
        ('tx_pin = "PA2"', 'tx_pin = "PA16"', "uart.tx_pin"),
        ('tx_pin = "PA2"', 'tx_pin = "A2"', "uart.tx_pin"),
        ("origin = 0x1000_0000", "origin = 0x2000_1000", "SRAM1 and SRAM2 overlap"),
        ("stack_bytes = 4096", "stack_bytes = 98304", "larger than SRAM1"),
        ("stack_bytes = 4096", "stack_bytes = 4100", "stack_bytes"),
        ('kind = "flash"', 'kind = "ram"', "no region of kind 'flash'"),
        ('default_method = "stlink"', 'default_method = "telepathy"', "telepathy"),
        ("schema = 1", "schema = 2", "schema"),
        ("schema = 1", "schema = ", "not valid TOML"),
    ],
)
def test_a_wrong_board_file_names_the_file_and_the_field(
    tmp_path: Path, find: str, replace: str, named: str
) -> None:
    text = shipped_text("nucleo-l476rg")
    assert find in text
    path = write_board(tmp_path / "nucleo-l476rg", text.replace(find, replace, 1))
    with pytest.raises(InputError) as caught:
        read_board(path)
    assert str(path) in caught.value.message
    assert named in caught.value.message


def test_a_folder_named_unlike_its_board_is_refused(tmp_path: Path) -> None:
    path = write_board(tmp_path / "renamed", shipped_text("nucleo-l476rg"))
    with pytest.raises(InputError, match="renamed"):
        read_board(path)


def test_a_board_is_frozen() -> None:
    with pytest.raises(ValidationError):
        load_board("nucleo-l4").clock_hz = 1  # type: ignore[misc]


def test_pins_of_both_makers() -> None:
    assert (parse_pin("PA2").port, parse_pin("PA2").number) == (0, 2)
    assert (parse_pin("PG15").port, parse_pin("PG15").number) == (6, 15)
    assert (parse_pin("P1.03").port, parse_pin("P1.03").number) == (1, 3)
