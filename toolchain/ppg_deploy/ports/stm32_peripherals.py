"""Everything on an emulated STM32 that is not memory: UART, clock control, and the core's own counters."""

from collections.abc import Callable

from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.stm32_registers import UART_RECEIVED, UART_SENT_AND_CAN_SEND, FamilyRegisters

# ARMv7-M ARM, B3.2 (system control), B3.3 (SysTick), C1.6 and C1.8 (debug, DWT).
DWT_CONTROL = 0xE0001000
DWT_CYCLES = 0xE0001004
SYSTICK_CONTROL = 0xE000E010
SYSTICK_RELOAD = 0xE000E014
SYSTICK_VALUE = 0xE000E018
CPU_ID = 0xE000ED00
RESET_CONTROL = 0xE000ED0C
DEBUG_CONTROL = 0xE000EDFC

_COUNTER_ENABLE = 1 << 0
_TRACE_ENABLE = 1 << 24
_RESET_KEY = 0x05FA
_RESET_REQUEST = 1 << 2
_CPU_IDS = {"cortex-m4": 0x410FC241, "cortex-m7": 0x411FC271}
_WORD = 0xFFFFFFFF


class Stm32Peripherals:
    """Answers the processor's accesses to peripheral addresses.

    Both counters run at one tick per instruction, as `instructions` reports them. `request_reset` is called when the
    firmware asks for a restart.
    """

    def __init__(
        self,
        family: FamilyRegisters,
        *,
        uart_base: int,
        cpu: str,
        link: SerialLink,
        instructions: Callable[[], int],
        request_reset: Callable[[], None],
    ) -> None:
        self._link = link
        self._instructions = instructions
        self._request_reset = request_reset
        self._following = family.following
        self._always_set = family.always_set
        self._after_reset = family.after_reset
        self._uart_transmit = uart_base + family.uart.transmit
        self._cpu_id = _CPU_IDS[cpu]
        self._stored: dict[int, int] = {}
        self._cycles_zero_at = 0
        self._systick_zero_at = 0
        self._readers: dict[int, Callable[[], int]] = {
            uart_base + family.uart.status: self._uart_status,
            uart_base + family.uart.receive: link.take,
            DWT_CYCLES: self._dwt_cycles,
            SYSTICK_VALUE: self._systick_value,
            CPU_ID: lambda: self._cpu_id,
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
            return
        self._stored[address] = value
        if address == DWT_CYCLES:
            self._cycles_zero_at = self._instructions() - value
        elif address == SYSTICK_VALUE:
            self._systick_zero_at = self._instructions()
        elif address == RESET_CONTROL and value >> 16 == _RESET_KEY and value & _RESET_REQUEST:
            self._request_reset()

    def _uart_status(self) -> int:
        return UART_SENT_AND_CAN_SEND | (UART_RECEIVED if self._link.poll() else 0)

    def _dwt_cycles(self) -> int:
        is_counting = (
            self._stored.get(DWT_CONTROL, 0) & _COUNTER_ENABLE
            and self._stored.get(DEBUG_CONTROL, 0) & _TRACE_ENABLE
        )
        return (self._instructions() - self._cycles_zero_at) & _WORD if is_counting else 0

    def _systick_value(self) -> int:
        # Counts down from the reload value; writing any value sets it to 0, from where the next tick reloads.
        if not self._stored.get(SYSTICK_CONTROL, 0) & _COUNTER_ENABLE:
            return 0
        turn = self._stored.get(SYSTICK_RELOAD, 0) + 1
        return (self._systick_zero_at - self._instructions()) % turn
