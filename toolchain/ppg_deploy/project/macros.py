"""The numbers of a board as C macros, for ppg_hardware.h."""

from dataclasses import dataclass

from ppg_deploy.boards import Board, Stm32Usart, parse_pin


@dataclass(frozen=True)
class Macro:
    """One `#define`."""

    name: str
    value: str


@dataclass(frozen=True)
class MacroGroup:
    """Macros under one comment."""

    title: str
    macros: tuple[Macro, ...]


def _unsigned(value: int) -> str:
    return f"{value}u"


def _core_macros(board: Board) -> MacroGroup:
    return MacroGroup(
        f"{board.mcu}, {board.core.cpu}",
        (
            Macro("PPG_INTERRUPTS", _unsigned(board.core.interrupts)),
            Macro("PPG_RUN_LIMIT_MS", _unsigned(board.run_limit_ms)),
            Macro("PPG_BEHIND_BOOTLOADER", str(int(board.bootloader is not None))),
        ),
    )


def _clock_macros(board: Board) -> MacroGroup:
    macros = [
        Macro("PPG_CLOCK_HZ", _unsigned(board.clock_hz)),
        Macro("PPG_RESET_CLOCK_HZ", _unsigned(board.clock.reset_hz)),
    ]
    for name, value in board.clock.settings.items():
        macros.append(Macro(f"PPG_CLOCK_{name.upper()}", _unsigned(value)))
    return MacroGroup(f"Core clock: {board.clock.source}", tuple(macros))


def _stm32_usart_macros(uart: Stm32Usart) -> tuple[Macro, ...]:
    return (
        Macro("PPG_UART_LOW_POWER", str(int(uart.low_power))),
        Macro("PPG_UART_ENABLE_OFFSET", f"0x{uart.enable_offset:02X}u"),
        Macro("PPG_UART_ENABLE_BIT", _unsigned(uart.enable_bit)),
        Macro("PPG_UART_KERNEL_CLOCK", f"PPG_KERNEL_CLOCK_{uart.kernel_clock.upper()}"),
        Macro("PPG_UART_ALTERNATE_FUNCTION", _unsigned(uart.alternate_function)),
    )


def _uart_macros(board: Board) -> MacroGroup:
    uart = board.uart
    tx, rx = parse_pin(uart.tx_pin), parse_pin(uart.rx_pin)
    macros = (
        Macro("PPG_UART_BASE", f"0x{uart.base:08X}u"),
        Macro("PPG_UART_INTERRUPT", _unsigned(uart.interrupt)),
        Macro("PPG_UART_BAUD", _unsigned(uart.baud)),
        Macro("PPG_UART_TX_PORT", _unsigned(tx.port)),
        Macro("PPG_UART_TX_PIN", _unsigned(tx.number)),
        Macro("PPG_UART_RX_PORT", _unsigned(rx.port)),
        Macro("PPG_UART_RX_PIN", _unsigned(rx.number)),
    )
    own = _stm32_usart_macros(uart) if isinstance(uart, Stm32Usart) else ()
    return MacroGroup(f"Console: {uart.instance}, TX {uart.tx_pin}, RX {uart.rx_pin}", macros + own)


def _gate_macros(board: Board) -> tuple[MacroGroup, ...]:
    if board.gate is None:
        return ()
    pin = parse_pin(board.gate.pin)
    macros = (Macro("PPG_GATE_PORT", _unsigned(pin.port)), Macro("PPG_GATE_PIN", _unsigned(pin.number)))
    return (MacroGroup(f"Gate pin: {board.gate.pin}, {board.gate.connector}", macros),)


def hardware_macros(board: Board) -> tuple[MacroGroup, ...]:
    """Everything that firmware/bsp needs to know about `board`."""
    return (_core_macros(board), _clock_macros(board), _uart_macros(board), *_gate_macros(board))
