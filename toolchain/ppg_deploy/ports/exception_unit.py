"""Exception entry and return, which unicorn leaves to its user.

Source: ARMv7-M Architecture Reference Manual, B1.5.6 to B1.5.8. Floating-point registers are stacked at entry: what
lazy stacking saves is time, which is not modelled, and the frame is the same.
"""

import struct
from dataclasses import dataclass
from typing import Any

from ppg_deploy.ports import interrupt_controller as control_block
from ppg_deploy.ports.interrupt_controller import InterruptController, Masks
from ppg_deploy.ports.register_set import RegisterSet

BASIC_FRAME_BYTES = 0x20
EXTENDED_FRAME_BYTES = 0x68
_FLOAT_OFFSET = 0x20
_FLOAT_REGISTERS = 16
_SELECTS_PROCESS_STACK = 1 << 1  # CONTROL.SPSEL
_FLOAT_CONTEXT = 1 << 2  # CONTROL.FPCA
# Unicorn also wants CONTROL.SFPA, which belongs to ARMv8-M: without it, the next floating-point instruction begins a
# new context and clears FPSCR.
_FLOAT_CONTEXT_FOR_UNICORN = _FLOAT_CONTEXT | 1 << 3
_CONTROL_BITS = 7
_THUMB = 1 << 24
_INTERRUPTED_IF_THEN = 0x0600FC00  # EPSR.IT and ICI
_EXCEPTION_NUMBER = 0x1FF
_WAS_REALIGNED = 1 << 9
_RETURNS_TO_HANDLER, _RETURNS_TO_MAIN, _RETURNS_TO_PROCESS = 0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD
_BASIC_FRAME = 1 << 4  # of an EXC_RETURN

# CFSR
INSTRUCTION_ACCESS = 1 << 0  # MMFSR.IACCVIOL
INSTRUCTION_BUS_ERROR = 1 << 8
PRECISE_BUS_ERROR = 1 << 9
UNSTACKING_ERROR = 1 << 11
STACKING_ERROR = 1 << 12
_BUS_ADDRESS_VALID = 1 << 15
UNDEFINED_INSTRUCTION = 1 << 16
INVALID_STATE = 1 << 17
INVALID_RETURN = 1 << 18
# HFSR
_VECTOR_FETCH_FAILED = 1 << 1
_ESCALATED = 1 << 30
_DEBUG_EVENT = 1 << 31
_BREAKPOINT = 1 << 1  # DFSR


class LockUp(Exception):
    """A fault that the core cannot take: it would stop for good (B1.5.15)."""


@dataclass(frozen=True)
class Fault:
    """What went wrong: bits of CFSR, and the address of a data access that failed."""

    status: int
    address: int | None = None

    @property
    def exception(self) -> int:
        """Whose fault it is, before escalation."""
        if self.status & 0xFF:
            return control_block.MEMORY_FAULT
        return control_block.BUS_FAULT if self.status & 0xFF00 else control_block.USAGE_FAULT


class ExceptionUnit:
    """Takes exceptions and returns from them, by changing the registers and the memory of `engine`.

    Only to be called while the engine stands at an instruction boundary: it has ended by itself, or it is in the
    callback of an exception. `boot_vectors` is what stands for a vector table at address 0, `stack_ranges` are the
    first address and the end address of each memory that a frame can be stored in.
    """

    def __init__(
        self,
        engine: Any,
        controller: InterruptController,
        *,
        boot_vectors: int,
        stack_ranges: tuple[tuple[int, int], ...],
    ) -> None:
        from unicorn import arm_const as arm

        self._engine = engine
        self._controller = controller
        self._boot_vectors = boot_vectors
        self._stack_ranges = stack_ranges
        self._vectors_in_flash: dict[int, int] = {}
        self._masks = RegisterSet(
            engine, (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_BASEPRI)
        )
        self._masks_and_control = RegisterSet(
            engine,
            (
                arm.UC_ARM_REG_PRIMASK,
                arm.UC_ARM_REG_FAULTMASK,
                arm.UC_ARM_REG_BASEPRI,
                arm.UC_ARM_REG_CONTROL,
            ),
        )
        self._status_and_control = RegisterSet(engine, (arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_CONTROL))
        general = [arm.UC_ARM_REG_R0 + number for number in range(4)] + [
            arm.UC_ARM_REG_R12,
            arm.UC_ARM_REG_LR,
        ]
        self._stacked = RegisterSet(engine, general)
        self._stack = RegisterSet(engine, (arm.UC_ARM_REG_SP,))
        self._float = RegisterSet(
            engine,
            [arm.UC_ARM_REG_S0 + number for number in range(_FLOAT_REGISTERS)] + [arm.UC_ARM_REG_FPSCR],
        )
        self._link_and_counter = RegisterSet(engine, (arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC))
        self._counter = RegisterSet(engine, (arm.UC_ARM_REG_PC,))

    def reset(self) -> None:
        """The state of the core after reset (B1.5.5): privileged thread on the main stack, nothing masked."""
        self._status_and_control.write(_THUMB, 0)
        self._masks.write(0, 0, 0)
        stack, program_counter = self._vector(0), self._vector(1)
        self._stack.write(stack & ~3)
        self._link_and_counter.write(0xFFFFFFFF, program_counter)

    @property
    def program_counter(self) -> int:
        """The core's program counter."""
        return self._counter.read()[0]

    @property
    def masks(self) -> Masks:
        """The core's masks."""
        return Masks(*self._masks.read())

    def wakes_up(self) -> bool:
        """Whether WFI ends."""
        return self._controller.next_exception(self.masks.while_asleep) is not None

    def take_pending(self) -> bool:
        """Enter the handler of a pending exception, if there is one that the core may take now."""
        exception = self._controller.next_exception(self.masks)
        if exception is None:
            return False
        self._enter(exception, self.program_counter)
        return True

    def call_supervisor(self, next_instruction: int) -> None:
        """SVC was executed.

        Raises:
            LockUp: inside the handler of a hard fault.
        """
        masks = self.masks
        if self._controller.can_take(control_block.SV_CALL, masks):
            self._enter(control_block.SV_CALL, next_instruction)
        else:
            self._controller.record(control_block.HARD_FAULT_STATUS, _ESCALATED)
            # Of the instruction itself: B1.5.6, ReturnAddress.
            self._take_hard_fault(next_instruction - 2, masks)

    def break_point(self, program_counter: int) -> None:
        """BKPT was executed, and no debugger is there (C1.6.2).

        Raises:
            LockUp: inside the handler of a hard fault.
        """
        self._controller.record(control_block.HARD_FAULT_STATUS, _DEBUG_EVENT)
        self._controller.record(control_block.DEBUG_FAULT_STATUS, _BREAKPOINT)
        self._take_hard_fault(program_counter, self.masks)

    def fault(self, fault: Fault, program_counter: int) -> None:
        """The instruction at `program_counter` failed.

        Raises:
            LockUp: inside the handler of a hard fault.
        """
        masks = self.masks
        exception = self._note(fault, masks)
        if exception == control_block.HARD_FAULT:
            self._take_hard_fault(program_counter, masks)
        else:
            self._enter(exception, program_counter)

    def leave(self, exception_return: int) -> None:
        """EXC_RETURN was loaded into the program counter.

        Raises:
            LockUp: the return failed inside the handler of a hard fault.
        """
        controller, target = self._controller, exception_return | _BASIC_FRAME
        if not controller.active:
            # In thread mode the address is an ordinary one, in a region that never holds code.
            self.fault(Fault(INSTRUCTION_ACCESS), exception_return & ~1)
            return
        depth = 2 if target == _RETURNS_TO_HANDLER else 1
        known = target in (_RETURNS_TO_HANDLER, _RETURNS_TO_MAIN, _RETURNS_TO_PROCESS)
        if not known or (len(controller.active) > 1) != (depth > 1):
            self.fault(Fault(INVALID_RETURN), exception_return & ~1)
            return
        returned = controller.active[-1]
        controller.deactivate()
        *masked, control = self._masks_and_control.read()
        masks = Masks(*masked)
        if masks.fault:
            masks = Masks(masks.primary, 0, masks.base)
            self._masks.write(masks.primary, 0, masks.base)
        following = controller.next_exception(masks)
        if following is None:
            self._unstack(exception_return)
        else:
            controller.activate(following)
            if following == returned and not control & _FLOAT_CONTEXT:
                # The usual case, and the fast one: the next byte of a UART.
                self._link_and_counter.write(exception_return, self._vector(following) | 1)
            else:
                # One handler after the other on the same frame (B1.5.12).
                status, control = self._status_and_control.read()
                self._start_handler(following, status, control, exception_return)

    def _note(self, fault: Fault, masks: Masks) -> int:
        """Record the causes; the exception to take."""
        controller = self._controller
        controller.record(control_block.FAULT_STATUS, fault.status)
        if fault.address is not None:
            controller.record(control_block.FAULT_STATUS, _BUS_ADDRESS_VALID)
            controller.store(control_block.BUS_FAULT_ADDRESS, fault.address)
        exception = controller.escalated(fault.exception, masks)
        if exception == control_block.HARD_FAULT:
            controller.record(control_block.HARD_FAULT_STATUS, _ESCALATED)
        return exception

    def _take_hard_fault(self, return_address: int, masks: Masks) -> None:
        if not self._controller.can_take(control_block.HARD_FAULT, masks):
            raise LockUp
        self._enter(control_block.HARD_FAULT, return_address)

    def _enter(self, exception: int, return_address: int) -> None:
        status, control = self._status_and_control.read()
        (stack,) = self._stack.read()
        control &= _CONTROL_BITS
        has_floats = bool(control & _FLOAT_CONTEXT)
        aligns = has_floats or self._controller.aligns_stack
        is_realigned = aligns and bool(stack & 4)
        frame = stack - (EXTENDED_FRAME_BYTES if has_floats else BASIC_FRAME_BYTES)
        frame = (frame & ~4 if aligns else frame) & 0xFFFFFFFF
        saved_status = (status & ~_WAS_REALIGNED) | (_WAS_REALIGNED if is_realigned else 0)
        words = [*self._stacked.read(), return_address & ~1, saved_status]
        if has_floats:
            words += self._float.read()
        is_stacked = self._store(frame, words)
        # The stack pointer moves even where the frame could not be stored.
        self._stack.write(frame)
        if self._controller.active:
            exception_return = _RETURNS_TO_HANDLER
        else:
            exception_return = _RETURNS_TO_PROCESS if control & _SELECTS_PROCESS_STACK else _RETURNS_TO_MAIN
        if has_floats:
            exception_return &= ~_BASIC_FRAME
        if not is_stacked:
            exception = self._derived(exception)
        self._controller.activate(exception)
        self._start_handler(exception, status, control, exception_return)

    def _derived(self, exception: int) -> int:
        """The frame of `exception` could not be stored: what is taken instead (B1.5.11)."""
        masks = self.masks
        derived = self._note(Fault(STACKING_ERROR), masks)
        if exception == control_block.HARD_FAULT:
            return exception
        # The exception itself stays pending, as far as it was.
        if exception >= control_block.PEND_SV:
            self._controller.pend(exception)
        if not self._controller.can_take(derived, masks):
            raise LockUp
        return derived

    def _start_handler(self, exception: int, status: int, control: int, exception_return: int) -> None:
        handler = self._vector(exception)
        # First CONTROL, while still in the mode that its stack belongs to.
        control &= _CONTROL_BITS & ~(_SELECTS_PROCESS_STACK | _FLOAT_CONTEXT)
        self._status_and_control.write(status, control)
        new_status = status & ~(_INTERRUPTED_IF_THEN | _EXCEPTION_NUMBER | _WAS_REALIGNED)
        self._status_and_control.write(new_status | _THUMB | exception, control)
        self._link_and_counter.write(exception_return, handler | 1)

    def _unstack(self, exception_return: int) -> None:
        status, control = self._status_and_control.read()
        control &= _CONTROL_BITS & ~(_SELECTS_PROCESS_STACK | _FLOAT_CONTEXT)
        has_floats = not exception_return & _BASIC_FRAME
        target = exception_return | _BASIC_FRAME
        if target == _RETURNS_TO_PROCESS:
            control |= _SELECTS_PROCESS_STACK
        # Into the mode returned to, whose stack the frame is on.
        mode = self._controller.active[-1] if self._controller.active else 0
        self._status_and_control.write(_THUMB | mode, control)
        (frame,) = self._stack.read()
        size = EXTENDED_FRAME_BYTES if has_floats else BASIC_FRAME_BYTES
        words = self._load(frame, size)
        if words is None:
            self._controller.activate(status & _EXCEPTION_NUMBER)
            self._status_and_control.write(status, control & ~_SELECTS_PROCESS_STACK)
            self.fault(Fault(UNSTACKING_ERROR), exception_return & ~1)
            return
        *general, program_counter, saved_status = words[:8]
        aligned = has_floats or self._controller.aligns_stack
        self._stack.write(frame + size + (4 if aligned and saved_status & _WAS_REALIGNED else 0))
        if has_floats:
            self._float.write(*words[8:25])
        self._stacked.write(*general)
        keep = saved_status & ~(_WAS_REALIGNED | _EXCEPTION_NUMBER)
        self._status_and_control.write(
            keep | mode, control | (_FLOAT_CONTEXT_FOR_UNICORN if has_floats else 0)
        )
        self._counter.write(program_counter | 1)

    def _vector(self, exception: int) -> int:
        """Where the handler of `exception` is.

        Raises:
            LockUp: there is no memory for the vector table, or the vector is not that of Thumb code.
        """
        from unicorn import UcError

        address = (self._controller.vector_table or self._boot_vectors) + 4 * exception
        vector = self._vectors_in_flash.get(address)
        if vector is None:
            try:
                vector = int.from_bytes(self._engine.mem_read(address, 4), "little")
            except UcError as error:
                self._controller.record(control_block.HARD_FAULT_STATUS, _VECTOR_FETCH_FAILED)
                raise LockUp from error
            if not self._is_memory(address, 4):
                self._vectors_in_flash[address] = vector
        return vector

    def _is_memory(self, frame: int, size: int) -> bool:
        return any(first <= frame and frame + size <= end for first, end in self._stack_ranges)

    def _store(self, frame: int, words: list[int]) -> bool:
        data = struct.pack(f"<{len(words)}I", *words)
        if not self._is_memory(frame, len(data)):
            return False
        self._engine.mem_write(frame, data)
        return True

    def _load(self, frame: int, size: int) -> tuple[int, ...] | None:
        if not self._is_memory(frame, size):
            return None
        return struct.unpack(f"<{size // 4}I", self._engine.mem_read(frame, size))
