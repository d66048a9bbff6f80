"""Everything on an emulated STM32 that is not memory or core: UART and clock control."""

from collections.abc import Callable

from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.stm32_registers import UART_RECEIVED, UART_SENT_AND_CAN_SEND, FamilyRegisters


class Stm32Peripherals:
    """Answers the processor's accesses to the chip's peripheral addresses."""

    def __init__(self, family: FamilyRegisters, *, uart_base: int, link: SerialLink) -> None:
        self._link = link
        self._following = family.following
        self._always_set = family.always_set
        self._after_reset = family.after_reset
        self._uart_transmit = uart_base + family.uart.transmit
        self._stored: dict[int, int] = {}
        self._readers: dict[int, Callable[[], int]] = {
            uart_base + family.uart.status: self._uart_status,
            uart_base + family.uart.receive: link.take,
        }

    def reset(self) -> None:
        """Back to the state after power-on."""
        self._stored = dict(self._after_reset)
        self._link.clear_received()

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
        else:
            self._stored[address] = value

    def _uart_status(self) -> int:
        return UART_SENT_AND_CAN_SEND | (UART_RECEIVED if self._link.poll() else 0)
