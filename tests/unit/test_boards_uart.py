"""The console's interrupt and the run limit: from board.toml into the firmware's macros."""

from pathlib import Path

import pytest

from ppg_deploy.boards import list_boards, load_board, read_board
from ppg_deploy.errors import InputError
from ppg_deploy.project.macros import hardware_macros
from ppg_deploy.shipped import shipped_folder

# From the vendors' headers (<chip>.h: USARTx_IRQn, LPUART1_IRQn; nrf52840.h: UARTE0_UART0_IRQn).
INTERRUPTS = {
    "arduino-nano33ble": 2,
    "b-l475e-iot01a": 37,
    "netduinoplus2": 37,
    "nrf52-dk": 2,
    "nrf52840-dk": 2,
    "nucleo-f411re": 38,
    "nucleo-f446re": 38,
    "nucleo-h743zi": 39,
    "nucleo-l476rg": 38,
    "nucleo-l4r5zi": 70,
    "p-nucleo-wb55rg": 36,
}


def macros(board_id: str, **changes: int) -> dict[str, str]:
    board = load_board(board_id).model_copy(update=changes)
    return {macro.name: macro.value for group in hardware_macros(board) for macro in group.macros}


def changed(tmp_path: Path, find: str, replace: str) -> Path:
    text = (shipped_folder("boards") / "nucleo-l476rg" / "board.toml").read_text()
    assert find in text
    path = tmp_path / "nucleo-l476rg" / "board.toml"
    path.parent.mkdir()
    path.write_text(text.replace(find, replace, 1))
    return path


def test_every_board_has_its_interrupt() -> None:
    assert {board.id: board.uart.interrupt for board in list_boards()} == INTERRUPTS


def test_the_firmware_gets_interrupt_and_limit() -> None:
    shipped = macros("nucleo-l4r5zi")
    assert (shipped["PPG_UART_INTERRUPT"], shipped["PPG_RUN_LIMIT_MS"]) == ("70u", "20000u")
    assert macros("nucleo-l4r5zi", run_limit_ms=750)["PPG_RUN_LIMIT_MS"] == "750u"


@pytest.mark.parametrize(
    ("find", "replace", "named"),
    [
        ("interrupt = 38", "interrupt = 82", r"uart\.interrupt: 82"),  # the chip has 82: 0 to 81
        ("interrupt = 38", "# interrupt = 38", r"interrupt"),
        ("stack_bytes = 4096", "stack_bytes = 4096\nrun_limit_ms = 0", r"run_limit_ms"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, find: str, replace: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        read_board(changed(tmp_path, find, replace))
