"""[gate] and [power] of board.toml."""

from pathlib import Path

import pytest

from ppg_deploy.boards import list_boards, load_board, read_board
from ppg_deploy.errors import InputError
from ppg_deploy.project.macros import hardware_macros
from ppg_deploy.shipped import shipped_folder

# Repeated on purpose, from the vendors' connector tables.
PINS = {
    "arduino-nano33ble": ("P1.11", 1, 11),
    "b-l475e-iot01a": ("PD14", 3, 14),
    "netduinoplus2": ("PA3", 0, 3),
    "nrf52-dk": ("P0.22", 0, 22),
    "nrf52840-dk": ("P1.03", 1, 3),
    "nucleo-f411re": ("PA10", 0, 10),
    "nucleo-f446re": ("PA10", 0, 10),
    "nucleo-h743zi": ("PE13", 4, 13),
    "nucleo-l476rg": ("PA10", 0, 10),
    "nucleo-l4r5zi": ("PF15", 5, 15),
    "p-nucleo-wb55rg": ("PC6", 2, 6),
}


def changed(folder: Path, board: str, find: str, replace: str) -> Path:
    text = (shipped_folder("boards") / board / "board.toml").read_text()
    assert text.count(find) == 1
    path = folder / board / "board.toml"
    path.parent.mkdir()
    path.write_text(text.replace(find, replace))
    return path


def test_every_board_has_a_gate_pin() -> None:
    assert {board.id: board.gate and board.gate.pin for board in list_boards()} == {
        board: pin for board, (pin, _, _) in PINS.items()
    }


@pytest.mark.parametrize("board", PINS)
def test_the_firmware_gets_port_and_number(board: str) -> None:
    macros = {
        macro.name: macro.value for group in hardware_macros(load_board(board)) for macro in group.macros
    }
    assert (macros["PPG_GATE_PORT"], macros["PPG_GATE_PIN"]) == (f"{PINS[board][1]}u", f"{PINS[board][2]}u")


def test_a_board_without_gate_and_power(tmp_path: Path) -> None:
    text = (shipped_folder("boards") / "nucleo-l476rg" / "board.toml").read_text()
    begin, end = text.index("[gate]"), text.index("[emulators")
    path = tmp_path / "nucleo-l476rg" / "board.toml"
    path.parent.mkdir()
    path.write_text(text[:begin] + text[end:])
    board = read_board(path)
    assert (board.gate, board.power) == (None, None)
    names = {macro.name for group in hardware_macros(board) for macro in group.macros}
    assert not any("GATE" in name for name in names)


@pytest.mark.parametrize(
    ("board", "pin", "message"),
    [
        ("nucleo-l476rg", "PA2", "belongs to the console UART"),
        ("nucleo-l476rg", "P0.10", "has no pin P0.10"),
        ("nucleo-l476rg", "PA16", "a port has pins 0 to 15"),
        ("nrf52840-dk", "PA3", "has no pin PA3"),
        ("nrf52840-dk", "P0.06", "belongs to the console UART"),
    ],
)
def test_wrong_pins_are_refused(tmp_path: Path, board: str, pin: str, message: str) -> None:
    path = changed(tmp_path, board, f'pin = "{PINS[board][0]}"', f'pin = "{pin}"')
    with pytest.raises(InputError, match=message):
        read_board(path)
