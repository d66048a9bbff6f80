"""Another baud rate for a board's console: what its UART can make, and what the way to the host takes."""

from ppg_deploy.boards.schema import Board
from ppg_deploy.boards.uart import NORDIC_BAUD_RATES, Stm32Usart
from ppg_deploy.errors import InputError

BAUD_RATES = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000)
"""Rates that hosts and USB serial converters know."""


def with_baud(board: Board, baud: int) -> Board:
    """`board` with a console of `baud` bit/s.

    Raises:
        InputError: hosts do not know the rate, the UART does not make it to within 2 %, or it is more than the way to
            the host takes.
    """
    if baud not in BAUD_RATES:
        raise InputError(
            f"{baud} is not a baud rate that serial ports know",
            hint=f"choose one of: {', '.join(map(str, _possible(board)))}",
        )
    problem = _problem(board, baud)
    if problem is not None:
        raise InputError(
            f"board {board.id}: {problem}", hint=f"choose one of: {', '.join(map(str, _possible(board)))}"
        )
    return board.model_copy(update={"uart": board.uart.model_copy(update={"baud": baud})})


def _possible(board: Board) -> tuple[int, ...]:
    return tuple(baud for baud in BAUD_RATES if _problem(board, baud) is None)


def _problem(board: Board, baud: int) -> str | None:
    uart = board.uart
    if uart.max_baud is not None and baud > uart.max_baud:
        return f"{baud} baud is more than [uart] max_baud, {uart.max_baud}"
    if not isinstance(uart, Stm32Usart):
        return None if baud in NORDIC_BAUD_RATES else f"its UARTE does not make {baud} baud to within 1 %"
    try:
        uart.check_baud(baud, clock_hz=board.clock_hz, settings=board.clock.settings)
    except ValueError as error:
        return str(error)
    return None
