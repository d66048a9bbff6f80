"""Which exception the core takes next: NVIC, and the registers of the system control block that belong to exceptions.

Source: ARMv7-M Architecture Reference Manual, B1.5 (exception model), B3.2 (system control block), B3.4 (NVIC).
All bits of a priority count for preemption (PRIGROUP 0).
"""

from collections.abc import Callable
from dataclasses import dataclass

HARD_FAULT, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT = 3, 4, 5, 6
SV_CALL, PEND_SV, SYSTICK, FIRST_INTERRUPT = 11, 14, 15, 16
_NMI = 2

INTERRUPT_STATE = 0xE000ED04  # ICSR
VECTOR_TABLE = 0xE000ED08  # VTOR
CONFIGURATION = 0xE000ED14  # CCR
SYSTEM_PRIORITIES = 0xE000ED18  # SHPR1 to SHPR3
SYSTEM_HANDLERS = 0xE000ED24  # SHCSR
FAULT_STATUS = 0xE000ED28  # CFSR
HARD_FAULT_STATUS = 0xE000ED2C  # HFSR
DEBUG_FAULT_STATUS = 0xE000ED30  # DFSR
MEMORY_FAULT_ADDRESS = 0xE000ED34  # MMFAR
BUS_FAULT_ADDRESS = 0xE000ED38  # BFAR

_SET_ENABLE, _CLEAR_ENABLE = 0xE000E100, 0xE000E180
_SET_PENDING, _CLEAR_PENDING = 0xE000E200, 0xE000E280
_ACTIVE, _PRIORITIES, _PRIORITIES_END = 0xE000E300, 0xE000E400, 0xE000E4F0
_GROUP_BYTES = 0x20  # 8 registers of 32 interrupts
_CLEARED_BY_ONES = (FAULT_STATUS, HARD_FAULT_STATUS, DEBUG_FAULT_STATUS)
_STORED = (
    *(VECTOR_TABLE, CONFIGURATION, SYSTEM_HANDLERS, MEMORY_FAULT_ADDRESS, BUS_FAULT_ADDRESS),
    *_CLEARED_BY_ONES,
)
_STACK_ALIGNED = 1 << 9  # CCR.STKALIGN, 1 after reset on the M4 and always on the M7
# ICSR: which bit sets and which clears what is pending. NMI is cleared by taking it only.
_SETS_PENDING = {31: _NMI, 28: PEND_SV, 26: SYSTICK}
_CLEARS_PENDING = {27: PEND_SV, 25: SYSTICK}
_ENABLE_BIT = {MEMORY_FAULT: 16, BUS_FAULT: 17, USAGE_FAULT: 18}  # SHCSR
_LOWEST_PRIORITY = 256
_FIXED_PRIORITIES = {_NMI: -2, HARD_FAULT: -1}


@dataclass(frozen=True)
class Masks:
    """PRIMASK, FAULTMASK and BASEPRI of the core."""

    primary: int
    fault: int
    base: int

    @property
    def priority(self) -> int:
        """The execution priority that the masks raise the core to."""
        if self.fault & 1:
            return -1
        return 0 if self.primary & 1 else self.base or _LOWEST_PRIORITY

    @property
    def while_asleep(self) -> "Masks":
        """What decides whether WFI ends: PRIMASK does not (B1.5.19)."""
        return Masks(0, self.fault, self.base)


class InterruptController:
    """Pending, enabled and active exceptions.

    `interrupt_lines` tells which interrupts (numbered from 0) the chip's peripherals ask for at this moment.
    `priority_mask` has the bits of a priority that the chip implements.
    """

    def __init__(self, interrupt_lines: Callable[[], tuple[int, ...]], priority_mask: int = 0xF0) -> None:
        self._interrupt_lines = interrupt_lines
        self._priority_mask = priority_mask
        self.reset()

    def reset(self) -> None:
        """Nothing enabled, pending or active."""
        self._enabled: set[int] = {_NMI, PEND_SV, SYSTICK}
        self._latched: set[int] = set()
        self._active: list[int] = []
        self._priority_bytes: dict[int, int] = {}
        self._stored = {CONFIGURATION: _STACK_ALIGNED}

    @property
    def active(self) -> tuple[int, ...]:
        """The exceptions that have been taken and not returned from, the innermost last."""
        return tuple(self._active)

    @property
    def is_handling_fault(self) -> bool:
        """Whether the core is in the handler of a fault, or has been interrupted there."""
        return any(HARD_FAULT <= exception <= USAGE_FAULT for exception in self._active)

    @property
    def vector_table(self) -> int:
        """VTOR."""
        return self._stored.get(VECTOR_TABLE, 0)

    @property
    def aligns_stack(self) -> bool:
        """Whether frames begin at multiples of 8 bytes."""
        return bool(self._stored[CONFIGURATION] & _STACK_ALIGNED)

    def pend(self, exception: int) -> None:
        """Ask for an exception."""
        self._latched.add(exception)

    def next_exception(self, masks: Masks) -> int | None:
        """The exception that the core takes now; None when what is pending has to wait."""
        candidates = self._pending() & self._enabled
        if not candidates:
            return None
        first = min(candidates, key=lambda number: (self._priority(number), number))
        return first if self._priority(first) < self._execution_priority(masks) else None

    def escalated(self, fault: int, masks: Masks) -> int:
        """`fault`, or the hard fault where `fault` is disabled or of too low a priority (B1.5.14)."""
        enabled = self._stored.get(SYSTEM_HANDLERS, 0) >> _ENABLE_BIT[fault] & 1
        return fault if enabled and self._priority(fault) < self._execution_priority(masks) else HARD_FAULT

    def can_take(self, exception: int, masks: Masks) -> bool:
        """Whether the core's priority lets `exception` in."""
        return self._priority(exception) < self._execution_priority(masks)

    def activate(self, exception: int) -> None:
        """The core takes `exception`."""
        self._latched.discard(exception)
        self._active.append(exception)

    def deactivate(self) -> None:
        """The core returns from the innermost exception."""
        self._active.pop()

    def record(self, address: int, bits: int) -> None:
        """Set bits of a status register."""
        self._stored[address] = self._stored.get(address, 0) | bits

    def store(self, address: int, value: int) -> None:
        """Replace the value of a fault address register."""
        self._stored[address] = value

    def has(self, address: int) -> bool:
        """Whether a register is one of these."""
        return (
            _SET_ENABLE <= address < _PRIORITIES_END
            or address in _STORED
            or address & ~3 == INTERRUPT_STATE
            or SYSTEM_PRIORITIES <= address < SYSTEM_HANDLERS
        )

    def read(self, address: int, size: int = 4) -> int:
        """The value at `address`, of `size` bytes."""
        owner = _priority_owner(address)
        if owner is not None:
            return sum(self._priority_bytes.get(owner + index, 0) << 8 * index for index in range(size))
        if address == INTERRUPT_STATE:
            return self._interrupt_state()
        if address in _STORED:
            return self._stored.get(address, 0)
        group, first = _group(address)
        numbers = {
            _SET_ENABLE: self._enabled,
            _CLEAR_ENABLE: self._enabled,
            _SET_PENDING: self._pending(),
            _CLEAR_PENDING: self._pending(),
            _ACTIVE: set(self._active),
        }.get(group, set())
        return sum(1 << bit for bit in range(32) if first + bit in numbers)

    def write(self, address: int, value: int, size: int = 4) -> None:
        """Do what the register does when `size` bytes are written."""
        owner = _priority_owner(address)
        if owner is not None:
            for index in range(size):
                self._priority_bytes[owner + index] = value >> 8 * index & self._priority_mask
        elif address == INTERRUPT_STATE:
            self._latched |= {number for bit, number in _SETS_PENDING.items() if value >> bit & 1}
            self._latched -= {number for bit, number in _CLEARS_PENDING.items() if value >> bit & 1}
        elif address in _CLEARED_BY_ONES:
            self._stored[address] = self._stored.get(address, 0) & ~value
        elif address in _STORED:
            self._stored[address] = value
        else:
            group, first = _group(address)
            numbers = {first + bit for bit in range(32) if value >> bit & 1}
            if group == _SET_ENABLE:
                self._enabled |= numbers
            elif group == _CLEAR_ENABLE:
                self._enabled -= numbers
            elif group == _SET_PENDING:
                self._latched |= numbers
            elif group == _CLEAR_PENDING:
                self._latched -= numbers

    def _pending(self) -> set[int]:
        # A line that stays asserted while its handler runs makes the interrupt pending again at the return (B3.4.1).
        asserted = {FIRST_INTERRUPT + line for line in self._interrupt_lines()}
        return self._latched | (asserted - set(self._active))

    def _priority(self, exception: int) -> int:
        fixed = _FIXED_PRIORITIES.get(exception)
        return self._priority_bytes.get(exception, 0) if fixed is None else fixed

    def _execution_priority(self, masks: Masks) -> int:
        return min([masks.priority, *map(self._priority, self._active)])

    def _interrupt_state(self) -> int:
        pending = self._pending()
        waiting = pending & self._enabled
        first = min(waiting, key=lambda number: (self._priority(number), number), default=0)
        state = (self._active[-1] if self._active else 0) | first << 12
        state |= (len(self._active) == 1) << 11  # RETTOBASE
        state |= any(number >= FIRST_INTERRUPT for number in pending) << 22  # ISRPENDING
        return state | sum(1 << bit for bit, number in _SETS_PENDING.items() if number in pending)


def _priority_owner(address: int) -> int | None:
    """The exception whose priority is at `address`; None where there is none."""
    if _PRIORITIES <= address < _PRIORITIES_END:
        return FIRST_INTERRUPT + address - _PRIORITIES
    if SYSTEM_PRIORITIES <= address < SYSTEM_HANDLERS:
        return MEMORY_FAULT + address - SYSTEM_PRIORITIES
    return None


def _group(address: int) -> tuple[int, int]:
    """The first of the 8 registers that `address` belongs to, and the exception of the register's bit 0."""
    # Groups are 0x80 apart; what lies behind their 8 registers is reserved.
    group = address & ~0x7F
    offset = address - group
    return (group if offset < _GROUP_BYTES else 0), FIRST_INTERRUPT + 8 * (offset & ~3)
