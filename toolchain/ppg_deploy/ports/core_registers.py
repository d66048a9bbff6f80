"""Registers that belong to the processor core, whoever made the chip: counters, identity, interrupts, restart."""

from collections.abc import Callable

from ppg_deploy.ports.interrupt_controller import InterruptController

# ARMv7-M ARM, B3.1: the private peripheral bus.
CORE_BASE = 0xE0000000

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
_TICK_INTERRUPT = 1 << 1
_TRACE_ENABLE = 1 << 24
_RESET_KEY = 0x05FA
_RESET_REQUEST = 1 << 2
_CPU_IDS = {"cortex-m4": 0x410FC241, "cortex-m7": 0x411FC271}
# Cortex-M7 TRM, cache size register: the data cache, 16 KiB in 4 ways with lines of 32 bytes.
_CACHE_SIZE = 0xE000ED80
_CACHE_SIZES = {"cortex-m4": 0, "cortex-m7": 0xF00FE019}
_WORD = 0xFFFFFFFF


class CoreRegisters:
    """Answers the processor's accesses to addresses from CORE_BASE on.

    Both counters run at one tick per instruction, as `instructions` reports them. `request_reset` is called when the
    firmware asks for a restart. `interrupts` has the registers of exceptions.
    """

    def __init__(
        self,
        *,
        cpu: str,
        interrupts: InterruptController,
        instructions: Callable[[], int],
        request_reset: Callable[[], None],
    ) -> None:
        self.interrupts = interrupts
        self._instructions = instructions
        self._request_reset = request_reset
        self._stored: dict[int, int] = {}
        self._cycles_zero_at = 0
        self._systick_zero_at = 0
        self._systick_read_zero_at: int | None = None
        self._readers: dict[int, Callable[[], int]] = {
            DWT_CYCLES: self._dwt_cycles,
            SYSTICK_VALUE: self._systick_value,
            CPU_ID: lambda: _CPU_IDS[cpu],
            _CACHE_SIZE: lambda: _CACHE_SIZES[cpu],
        }

    def reset(self) -> None:
        """Back to the state after power-on."""
        self._stored.clear()
        self.interrupts.reset()

    @property
    def has_tick_interrupt(self) -> bool:
        """Whether SysTick counts and asks for its interrupt at the end of every turn."""
        control = self._stored.get(SYSTICK_CONTROL, 0)
        return bool(control & _COUNTER_ENABLE and control & _TICK_INTERRUPT)

    def read(self, address: int, size: int = 4) -> int:
        """The value at `address`, of `size` bytes; they matter for the registers of exceptions only."""
        if self.interrupts.has(address):
            return self.interrupts.read(address, size)
        reader = self._readers.get(address)
        if reader is not None:
            return reader()
        return self._stored.get(address, 0)

    def write(self, address: int, value: int, size: int = 4) -> None:
        """Store `value`, and do what the register does when written."""
        if self.interrupts.has(address):
            self.interrupts.write(address, value, size)
            return
        self._stored[address] = value
        if address == DWT_CYCLES:
            self._cycles_zero_at = self._instructions() - value
        elif address == SYSTICK_VALUE:
            self._systick_zero_at = self._instructions()
        elif address == RESET_CONTROL and value >> 16 == _RESET_KEY and value & _RESET_REQUEST:
            self._request_reset()

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
        now = self._instructions()
        value = (self._systick_zero_at - now) % turn
        if value != 0:
            return value
        # It holds 0 for one tick only, and firmware may wait until that is over: not in vain where instructions are
        # not counted.
        is_over = self._systick_read_zero_at == now
        self._systick_read_zero_at = now
        return turn - 1 if is_over else 0
