"""Values of board.toml that are of the right kind at first sight only."""

from pathlib import Path

import pytest

from ppg_deploy.boards import load_board, read_board
from ppg_deploy.boards.validate import Problem, validate_board
from ppg_deploy.errors import InputError
from ppg_deploy.shipped import shipped_folder


def changed(folder: Path, find: str, replace: str, board: str = "nucleo-l476rg") -> Path:
    text = (shipped_folder("boards") / board / "board.toml").read_text()
    assert text.count(find) == 1
    path = folder / board / "board.toml"
    path.parent.mkdir()
    path.write_text(text.replace(find, replace))
    return path


def only_problem(path: Path) -> Problem:
    (problem,) = validate_board(path)
    return problem


@pytest.mark.parametrize("value", ["true", '"38"', "38.0"])
def test_a_number_is_no_text_and_no_truth_value(tmp_path: Path, value: str) -> None:
    problem = only_problem(changed(tmp_path, "interrupt = 38", f"interrupt = {value}"))
    assert problem.field == "uart.interrupt"
    assert "valid integer" in problem.message


def test_a_truth_value_is_no_text(tmp_path: Path) -> None:
    assert only_problem(changed(tmp_path, "dsp = true", 'dsp = "no"')).field == "core.dsp"


@pytest.mark.parametrize(
    ("board", "baud", "why"),
    [
        # APB1 runs with 45 MHz: 45 MHz / 3,000,000 = 15, below the least divider of 16
        ("nucleo-f446re", 3_000_000, "no value for 3000000 baud"),
        # 100 MHz / 1200 = 83,333, more than the 16 bits of BRR hold
        ("nucleo-h743zi", 1_200, "no value for 1200 baud"),
        # APB1 runs with 50 MHz: 50 MHz / 2,130,000 = 23.47; with 23 it is 2,173,913
        ("nucleo-f411re", 2_130_000, "makes 2173913 instead of 2130000 baud"),
    ],
)
def test_the_boards_own_rate_must_be_one_that_its_uart_makes(
    tmp_path: Path, board: str, baud: int, why: str
) -> None:
    path = changed(tmp_path, "\nbaud = 115_200", f"\nbaud = {baud}", board)
    problem = only_problem(path)
    assert problem.field == "uart.baud"
    assert why in problem.message
    with pytest.raises(InputError, match="baud"):
        read_board(path)


def test_a_family_of_the_users_own_divides_as_it_likes(tmp_path: Path) -> None:
    path = changed(tmp_path, "\nbaud = 115_200", "\nbaud = 1_200", "nucleo-h743zi")
    path.write_text(path.read_text().replace('family = "stm32h7"', 'family = "stm32h5"'))
    assert read_board(path).uart.baud == 1_200


@pytest.mark.parametrize("pin", ["PA13", "PA14"])
def test_the_debug_ports_pins_stay_the_probes(tmp_path: Path, pin: str) -> None:
    problem = only_problem(changed(tmp_path, 'pin = "PA10"', f'pin = "{pin}"'))
    assert problem.field == "gate.pin"
    assert "debug port" in problem.message
    console = tmp_path / "console"
    console.mkdir()
    assert only_problem(changed(console, 'tx_pin = "PA2"', f'tx_pin = "{pin}"')).field == "uart.tx_pin"


def test_each_problem_names_its_field_once_and_as_the_file_spells_it(tmp_path: Path) -> None:
    problem = only_problem(changed(tmp_path, "baud = 115_200", "baud = 115_200\nmax_baud = 57_600"))
    assert problem.field == "uart.baud"
    assert problem.message == "115200 is more than max_baud"
    gate = tmp_path / "gate"
    gate.mkdir()
    problem = only_problem(changed(gate, 'pin = "PA10"', 'pin = "PA2"'))
    assert (problem.field, problem.message) == ("gate.pin", "PA2 belongs to the console UART")


def test_an_unknown_board_of_the_users_own_is_found_with_boards_dir() -> None:
    with pytest.raises(InputError) as caught:
        load_board("wrist-sensor")
    assert caught.value.hint is not None
    assert "--boards-dir" in caught.value.hint
