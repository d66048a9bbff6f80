"""build --baud: what a board's UART can make."""

from pathlib import Path

import pytest

from ppg_deploy.boards import Board, list_boards, load_board, with_baud
from ppg_deploy.config import load_config
from ppg_deploy.errors import InputError
from ppg_deploy.project import load_manifest, render_project
from tests.unit.fake_model import fake_model


def changed(board: Board, **facts: object) -> Board:
    return board.model_copy(update=facts)


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.id)
@pytest.mark.parametrize("baud", [115_200, 230_400, 460_800])
def test_every_board_makes_the_usual_rates(board: Board, baud: int) -> None:
    assert with_baud(board, baud).uart.baud == baud


def test_the_rate_goes_into_the_project_and_its_manifest(tmp_path: Path) -> None:
    board = with_baud(load_board("nucleo-l4"), 921_600)
    before = render_project(board=load_board("nucleo-l4"), model=fake_model(), folder=tmp_path / "before")
    after = render_project(board=board, model=fake_model(), folder=tmp_path / "after")
    assert "#define PPG_UART_BAUD 921600u" in (tmp_path / "after" / "include" / "ppg_hardware.h").read_text()
    assert "monitor_speed = 921600" in (tmp_path / "after" / "platformio.ini").read_text()
    assert (load_manifest(tmp_path / "before").baud, load_manifest(tmp_path / "after").baud) == (
        115_200,
        921_600,
    )
    assert before.build_id != after.build_id


def test_a_rate_that_no_port_knows() -> None:
    with pytest.raises(InputError, match="1234 is not a baud rate") as caught:
        with_baud(load_board("nucleo-l4"), 1234)
    assert "921600, 1000000" in caught.value.hint


def test_a_clock_that_does_not_make_the_rate() -> None:
    """RM0351, table 193 in spirit: at 4 MHz the nearest divider for 230400 is 17, which makes 235294, 2.1 % off."""
    board = load_board("nucleo-l4")
    slow = changed(board, clock_hz=4_000_000)
    with pytest.raises(InputError, match="USART2 makes 235294 instead of 230400 baud"):
        with_baud(slow, 230_400)
    # 4 MHz / 35 = 114286, 0.8 % off
    assert with_baud(slow, 115_200).uart.baud == 115_200
    with pytest.raises(InputError, match="no value for 460800"):
        with_baud(slow, 460_800)


def test_the_bus_dividers_count() -> None:
    """NUCLEO-F446RE: USART2 hangs on APB1, 180 MHz / 4; 16 times 1 Mbaud is 16 MHz."""
    board = load_board("nucleo-f446re")
    assert with_baud(board, 1_000_000).uart.baud == 1_000_000
    slow = board.clock.model_copy(update={"settings": {**board.clock.settings, "apb1_divider": 16}})
    with pytest.raises(InputError, match="no value for 1000000"):
        with_baud(changed(board, clock=slow), 1_000_000)


def test_the_low_power_uart_has_a_divider_of_its_own() -> None:
    """256 * clock / baud must be at least 0x300: 3 times the rate."""
    board = load_board("nucleo-l4r5zi")
    assert with_baud(board, 1_000_000).uart.baud == 1_000_000
    with pytest.raises(InputError, match="no value for 1000000"):
        with_baud(changed(board, clock_hz=2_500_000), 1_000_000)


def test_a_nordic_chip_makes_no_921600() -> None:
    board = load_board("nrf52840-dk")
    with pytest.raises(InputError, match="UARTE does not make 921600") as caught:
        with_baud(board, 921_600)
    assert "921600" not in caught.value.hint.split(":")[1]
    assert with_baud(board, 1_000_000).uart.baud == 1_000_000


def test_what_is_between_board_and_host_limits_the_rate() -> None:
    board = load_board("nucleo-l4")
    limited = changed(board, uart=board.uart.model_copy(update={"max_baud": 460_800}))
    with pytest.raises(InputError, match=r"921600 baud is more than \[uart\] max_baud, 460800") as caught:
        with_baud(limited, 921_600)
    assert caught.value.hint.endswith("460800")


def test_ppg_toml_has_the_rate(tmp_path: Path) -> None:
    (tmp_path / "ppg.toml").write_text("[build]\nbaud = 460800\n")
    assert load_config(tmp_path).build.baud == 460_800
