"""Everything on an emulated STM32 that is not memory or core: UART and clock control."""

from collections.abc import Callable

from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.stm32_registers import (
    UART_RECEIVE_INTERRUPT,
    UART_RECEIVED,
    UART_SENT_AND_CAN_SEND,
    FamilyRegisters,
)


class Stm32Peripherals:
    """Answers the processor's accesses to the chip's peripheral addresses."""

    def __init__(self, family: FamilyRegisters, *, uart_base: int, link: SerialLink) -> None:
        self._link = link
        self._following = family.following
        self._always_set = family.always_set
        self._after_reset = family.after_reset
        self._restart = family.restart
        self._restart_flags = family.restart.after_power_on
        self._uart_control = uart_base + family.uart.control
        self._uart_transmit = uart_base + family.uart.transmit
        self._stored: dict[int, int] = {}
        self._readers: dict[int, Callable[[], int]] = {
            uart_base + family.uart.status: self._uart_status,
            uart_base + family.uart.receive: link.take,
            family.restart.address: lambda: self._restart_flags,
        }

    def reset(self, *, by_software: bool) -> None:
        """Back to the state after power-on, apart from the flags that tell why."""
        self._stored = dict(self._after_reset)
        if by_software:
            self._restart_flags |= self._restart.by_software
        else:
            self._restart_flags = self._restart.after_power_on
        self._link.clear_received()

    @property
    def wants_interrupt(self) -> bool:
        """Whether the UART asks for its interrupt: RXNE while RXNEIE."""
        return bool(self._stored.get(self._uart_control, 0) & UART_RECEIVE_INTERRUPT) and self._link.has_byte

    def read(self, address: int) -> int:
        """The 32-bit value at `address`."""
        reader = self._readers.get(address)
        if reader is not None:
            return reader()
        value = self._stored.get(address, 0) | self._always_set.get(address, 0)
        for field in self._following:
            if field.address == address:
                source = field.source_address
                value = field.applied_to(value, value if source is None else self._stored.get(source, 0))
        return value

    def write(self, address: int, value: int) -> None:
        """Store `value`, and do what the register does when written."""
        if address == self._uart_transmit:
            self._link.send(value & 0xFF)
        elif address == self._restart.address:
            cleared = self._restart.flags if value & self._restart.clear else 0
            self._restart_flags = (self._restart_flags & self._restart.flags & ~cleared) | (
                value & ~self._restart.flags
            )
        else:
            self._stored[address] = value

    def _uart_status(self) -> int:
        return UART_SENT_AND_CAN_SEND | (UART_RECEIVED if self._link.poll() else 0)
