"""Everything on an emulated nRF52 that is not memory: UARTE with EasyDMA, clock, factory information.

A register remembers what was written to it, apart from tasks and events. Where silicon is strict, the model is too:
pins cannot be chosen while the UARTE is on, nothing is sent or received through pins that are not connected, EasyDMA
reaches RAM only, and after each filled buffer the receiver must be started again. Source: nRF52840 product
specification, chapters CLOCK, NVMC, FICR, UICR, POWER, UARTE.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ppg_deploy.errors import DeviceError
from ppg_deploy.ports.serial_link import SerialLink

_CLOCK_START_CRYSTAL = 0x40000000
_CLOCK_CRYSTAL_STARTED = 0x40000100
_CLOCK_STATUS = 0x4000040C
_CRYSTAL_RUNS = (1 << 16) | (1 << 0)  # STATE, SRC
_RESET_REASON = 0x40000400
_RESET_BY_SOFTWARE = 1 << 2  # SREQ
_NVMC_READY = 0x4001E400
_FICR_PART = 0x10000130
_FICR_REVISION = 0x10000134
_UICR_ACCESS_PROTECTION = 0x10001208
_HARDWARE_PROTECTION_OFF = 0x5A

# Offsets from the UARTE's base.
_START_RX, _START_TX = 0x000, 0x008
_END_RX, _END_TX = 0x110, 0x120
_INTERRUPT_SET, _INTERRUPT_CLEAR = 0x304, 0x308
_ERROR_SOURCE = 0x480
_ENABLE = 0x500
_PSEL_RTS, _PSEL_TXD, _PSEL_CTS, _PSEL_RXD = 0x508, 0x50C, 0x510, 0x514
_RX_POINTER, _RX_LIMIT, _RX_AMOUNT = 0x534, 0x538, 0x53C
_TX_POINTER, _TX_LIMIT, _TX_AMOUNT = 0x544, 0x548, 0x54C
# Interrupts, by the bit that enables them: the event at 0x100 + 4 * bit.
_EVENTS = {4: _END_RX, 8: _END_TX}
_PSELS = (_PSEL_RTS, _PSEL_TXD, _PSEL_CTS, _PSEL_RXD)
_ENABLED_UARTE = 8
_NOT_CONNECTED = 0xFFFFFFFF
_DISCONNECT = 1 << 31


@dataclass(frozen=True)
class Nrf52Chip:
    """What differs between the chips: what FICR says, where RAM lies, how far EasyDMA counts."""

    part: int
    revision: int
    largest_transfer: int
    """Largest MAXCNT of the UARTE: its register has 8 bits on the nRF52832, 16 on the nRF52840."""


CHIPS: dict[str, Nrf52Chip] = {
    "nrf52832": Nrf52Chip(part=0x06, revision=0x07, largest_transfer=0xFF),
    "nrf52840": Nrf52Chip(part=0x08, revision=0x05, largest_transfer=0xFFFF),
}

WINDOWS = ((0x10000000, 0x2000),)
"""Peripheral addresses outside the common ones: FICR and UICR."""


@dataclass(frozen=True)
class DmaMemory:
    """RAM as EasyDMA reaches it. `read` takes an address and a number of bytes, `write` an address and bytes."""

    ranges: tuple[tuple[int, int], ...]
    """First address and end address of each RAM."""
    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]


class Nrf52Peripherals:
    """Answers the processor's accesses to the chip's peripheral addresses."""

    def __init__(self, chip: Nrf52Chip, *, uart_base: int, link: SerialLink, memory: DmaMemory) -> None:
        self._chip = chip
        self._uart = uart_base
        self._link = link
        self._memory = memory
        self._stored: dict[int, int] = {}
        self._is_receiving = False
        self._buffer_in_use = (0, 0)
        self._interrupts = 0
        self.reset(by_software=False)

    def reset(self, *, by_software: bool) -> None:
        """Back to the state after power-on, apart from the register that tells why."""
        reasons = self._stored.get(_RESET_REASON, 0) | _RESET_BY_SOFTWARE if by_software else 0
        self._stored = {
            _RESET_REASON: reasons,
            _NVMC_READY: 1,
            _FICR_PART: self._chip.part,
            _FICR_REVISION: self._chip.revision,
            _UICR_ACCESS_PROTECTION: _HARDWARE_PROTECTION_OFF,
            **{self._uart + offset: _NOT_CONNECTED for offset in _PSELS},
        }
        self._is_receiving = False
        self._interrupts = 0
        self._link.clear_received()

    @property
    def wants_interrupt(self) -> bool:
        """Whether the UARTE asks for its interrupt. What has arrived is put into the buffer first."""
        if self._is_receiving and self._link.has_byte:
            self._receive()
        return any(self._interrupts >> bit & 1 and self._uarte(event) for bit, event in _EVENTS.items())

    def read(self, address: int) -> int:
        """The 32-bit value at `address`."""
        if address == self._uart + _END_RX and self._is_receiving and self._link.poll():
            self._receive()
        if address - self._uart in (_INTERRUPT_SET, _INTERRUPT_CLEAR):
            return self._interrupts
        return self._stored.get(address, 0)

    def write(self, address: int, value: int) -> None:
        """Store `value`, and do what the register does when written."""
        offset = address - self._uart
        if address == _CLOCK_START_CRYSTAL:
            self._stored[_CLOCK_CRYSTAL_STARTED] = 1
            self._stored[_CLOCK_STATUS] = _CRYSTAL_RUNS
        elif address == _RESET_REASON or offset == _ERROR_SOURCE:
            self._stored[address] = self._stored.get(address, 0) & ~value
        elif offset == _INTERRUPT_SET:
            self._interrupts |= value
        elif offset == _INTERRUPT_CLEAR:
            self._interrupts &= ~value
        elif offset == _START_RX:
            self._start_receiving()
        elif offset == _START_TX:
            self._send()
        elif offset not in _PSELS or not self._is_on:
            self._stored[address] = value
            if offset == _ENABLE and not self._is_on:
                self._is_receiving = False

    @property
    def _is_on(self) -> bool:
        return self._uarte(_ENABLE) == _ENABLED_UARTE

    def _uarte(self, offset: int) -> int:
        return self._stored.get(self._uart + offset, 0)

    def _is_connected(self, pin_select: int) -> bool:
        return self._is_on and not self._uarte(pin_select) & _DISCONNECT

    def _buffer(self, pointer: int, limit: int) -> tuple[int, int]:
        """Address and size of a DMA buffer.

        Raises:
            DeviceError: EasyDMA cannot reach it.
        """
        address, count = self._uarte(pointer), self._uarte(limit) & self._chip.largest_transfer
        if not any(first <= address and address + count <= end for first, end in self._memory.ranges):
            raise DeviceError(
                f"the firmware told the UARTE to transfer {count} bytes at {address:#010x}, which is not RAM",
                hint="EasyDMA reaches RAM only: copy constants to RAM first",
            )
        return address, count

    def _send(self) -> None:
        if not self._is_on:
            return
        address, count = self._buffer(_TX_POINTER, _TX_LIMIT)
        if self._is_connected(_PSEL_TXD):
            for byte in self._memory.read(address, count):
                self._link.send(byte)
        self._stored[self._uart + _TX_AMOUNT] = count
        self._stored[self._uart + _END_TX] = 1

    def _start_receiving(self) -> None:
        if self._is_on:
            # As on silicon, where the pointer may be changed for the next buffer as soon as this one is in use.
            self._buffer_in_use = self._buffer(_RX_POINTER, _RX_LIMIT)
            self._stored[self._uart + _RX_AMOUNT] = 0
            self._is_receiving = True

    def _receive(self) -> None:
        """Put a waiting byte into the buffer."""
        if not self._is_connected(_PSEL_RXD):
            return
        address, count = self._buffer_in_use
        amount = self._uarte(_RX_AMOUNT)
        self._memory.write(address + amount, bytes([self._link.take()]))
        self._stored[self._uart + _RX_AMOUNT] = amount + 1
        if amount + 1 >= count:
            self._is_receiving = False
            self._stored[self._uart + _END_RX] = 1
