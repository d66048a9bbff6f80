"""Another baud rate for a board's console: what its UART can make, and what the way to the host takes."""

from ppg_deploy.boards.schema import Board
from ppg_deploy.boards.uart import NORDIC_BAUD_RATES, Stm32Usart
from ppg_deploy.errors import InputError

BAUD_RATES = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_000_000)
"""Rates that hosts and USB serial converters know."""

_MOST_ERROR = 0.02
"""Of the rate: half of what a frame of 10 bits bears, the other half is the host's."""
_LEAST_USART_DIVIDER = 16
"""With 16-fold oversampling "USARTDIV must be greater than or equal to 16" (RM0367, USART baud rate generation)."""
_LEAST_LPUART_DIVIDER, _MOST_LPUART_DIVIDER = 0x300, 0xFFFFF
"""Of 256 * clock / baud; from memory, and far from every rate above with the clocks of our boards."""
_MOST_USART_DIVIDER = 0xFFFF


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
    made = _made_by_stm32(board, uart, baud)
    if made is None:
        return f"the divider of {uart.instance} has no value for {baud} baud"
    if abs(made - baud) > _MOST_ERROR * baud:
        return f"{uart.instance} makes {made:.0f} instead of {baud} baud, more than {_MOST_ERROR:.0%} apart"
    return None


def _made_by_stm32(board: Board, uart: Stm32Usart, baud: int) -> float | None:
    """The rate that firmware/bsp/stm32 sets, in bit/s; None when the divider cannot hold it."""
    settings = board.clock.settings
    bus = "apb1_divider" if uart.kernel_clock == "pclk1" else "apb2_divider"
    # A family of the user's own may have no such dividers: then the bus runs with the core.
    clock_hz = board.clock_hz / settings.get("ahb_divider", 1) / settings.get(bus, 1)
    scale = 256 if uart.low_power else 1
    divider = int(scale * clock_hz / baud + 0.5)
    least, most = (
        (_LEAST_LPUART_DIVIDER, _MOST_LPUART_DIVIDER)
        if uart.low_power
        else (_LEAST_USART_DIVIDER, _MOST_USART_DIVIDER)
    )
    return scale * clock_hz / divider if least <= divider <= most else None
