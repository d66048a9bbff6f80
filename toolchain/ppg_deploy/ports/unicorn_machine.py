"""A microcontroller in the unicorn engine: runs the unmodified firmware, instruction by instruction.

The processor runs in a thread of its own and is never stopped to be continued later. unicorn 2.1.3, asked to stop,
leaves a block after its next memory access but later continues from the block's start, so that the instructions
before the access would run twice. Instead, a read of the idle UART keeps the thread waiting until there is input.
For the same reason interrupts are taken only where the engine has ended by itself, which is after WFI, and on the
return from another exception.
"""

import threading
from typing import Any

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError, InternalError, PpgDeployError
from ppg_deploy.ports.chip_model import CPU_MODELS, describe_chip, make_chip
from ppg_deploy.ports.connection import CodePlace
from ppg_deploy.ports.core_registers import CoreRegisters
from ppg_deploy.ports.emulated_board import EmulatedBoard
from ppg_deploy.ports.engine_faults import EngineFaults
from ppg_deploy.ports.exception_unit import UNDEFINED_INSTRUCTION, ExceptionUnit, Fault, LockUp
from ppg_deploy.ports.execution_counter import ExecutionCounter
from ppg_deploy.ports.firmware_image import FirmwareImage
from ppg_deploy.ports.interrupt_controller import SYSTICK, InterruptController
from ppg_deploy.ports.nrf52_peripherals import DmaMemory
from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.single_step import SingleStep

_NO_END_ADDRESS = 0xFFFFFFFE
_STOP_ATTEMPTS = 100
_STOP_ATTEMPT_S = 0.1
# QEMU's numbers of exceptions, as unicorn hands them to its interrupt callback.
_SUPERVISOR_CALL, _BREAK_POINT, _EXCEPTION_RETURN = 2, 7, 8
# After a WFI with interrupts masked, the instruction that unmasks them follows within a few others.
_STEPS_TO_UNMASK = 64


class UnicornMachine:
    """A chip with `image` in its flash, whose UART is the device's side of `link`. It runs from `start` to `close`.

    Raises:
        EnvironmentProblem: unicorn is not installed, or there is no model of the board's chip.
        InputError: the image does not lie in the board's memory.
    """

    def __init__(self, image: FirmwareImage, board: EmulatedBoard, link: SerialLink) -> None:
        description = describe_chip(board)
        self._image = image
        self._link = link
        self._engine = _open_engine(image, board)
        ranges = [(memory.origin, memory.origin + memory.size_bytes) for memory in board.memory]
        is_flash = [memory.is_flash for memory in board.memory]
        flash = [span for span, flash in zip(ranges, is_flash, strict=True) if flash]
        ram = tuple(span for span, flash in zip(ranges, is_flash, strict=True) if not flash)
        self.counter = ExecutionCounter(self._engine, image, code_ranges=ranges, flash_ranges=flash)
        self._single_step = SingleStep(self._engine, ranges)
        self._uart_interrupt = board.uart_interrupt
        self._interrupts = InterruptController(self._interrupt_lines)
        core = CoreRegisters(
            cpu=board.cpu,
            interrupts=self._interrupts,
            instructions=self.counter.instructions,
            request_reset=self._request_reset,
        )
        memory = DmaMemory(
            ranges=ram,
            read=lambda address, count: bytes(self._engine.mem_read(address, count)),
            write=self._engine.mem_write,
        )
        self._chip = make_chip(description, uart_base=board.uart_base, core=core, link=link, memory=memory)
        self._exceptions = ExceptionUnit(
            self._engine, self._interrupts, boot_vectors=flash[0][0], stack_ranges=ram
        )
        self._faults = EngineFaults(self._engine)
        self._crashes: list[str] = []
        self._reset_requested = False
        self._failure_in_callback: DeviceError | None = None
        self._add_callbacks()
        self._thread = threading.Thread(target=self._live, name=f"unicorn {board.id}", daemon=True)

    def start(self) -> None:
        """Power on."""
        self._thread.start()

    def close(self) -> None:
        """Power off. May be called twice.

        Raises:
            InternalError: the engine does not stop.
        """
        self._link.close()
        self._stop()

    def locate(self) -> CodePlace | None:
        """Stop for good, and tell where; None, and no stop, when the firmware waits for input or has stopped before.

        Raises:
            InternalError: the engine does not stop.
        """
        if self._link.is_idle or self._link.must_stop or not self._thread.is_alive():
            return None
        self._link.fail(
            DeviceError("the emulated processor was stopped to see where it was", hint="open it again")
        )
        self._stop()
        from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_PC

        pc, lr = (self._engine.reg_read(register) for register in (UC_ARM_REG_PC, UC_ARM_REG_LR))
        return CodePlace(program_counter=pc, link_register=lr)

    def _stop(self) -> None:
        for _ in range(_STOP_ATTEMPTS):
            if not self._thread.is_alive():
                return
            # A request that arrives between two runs of the engine is lost: hence the attempts.
            self._engine.emu_stop()
            self._thread.join(_STOP_ATTEMPT_S)
        raise InternalError("the unicorn engine does not stop", hint="end the program")

    def _live(self) -> None:
        by_software = False
        try:
            while not self._link.must_stop:
                self._run_until_reset(by_software=by_software)
                by_software = True
        except PpgDeployError as failure:
            self._link.fail(failure)
        except Exception as bug:
            self._link.fail(
                InternalError(f"the board model failed: {bug!r}", hint="report this, with the firmware")
            )

    def _run_until_reset(self, *, by_software: bool) -> None:
        self._reset_requested = False
        self._chip.reset(by_software=by_software)
        self._link.on_first_idle = self._end_boot
        self.counter.is_wanted = True
        self.counter.apply()
        self._exceptions.reset()
        while self._run():
            # The engine has ended by itself: WFI.
            self._link.sleep(self._wakes_up)
            self.counter.apply()
            if self._unmask():
                self._exceptions.take_pending()

    def _run(self, instructions: int = 0) -> bool:
        """Run on from the program counter, until WFI. False: a reset was asked for, or someone asked to stop.

        Raises:
            DeviceError: the core has locked up.
        """
        from unicorn import UcError

        while not self._link.must_stop and not self._reset_requested:
            try:
                self._engine.emu_start(
                    self._exceptions.program_counter | 1, _NO_END_ADDRESS, count=instructions
                )
            except UcError as error:
                if self._failure_in_callback is None and not self._reset_requested:
                    self._take_fault(error)
                    continue
            if self._failure_in_callback is not None:
                raise self._failure_in_callback
            return not self._link.must_stop and not self._reset_requested
        return False

    def _take_fault(self, error: Exception) -> None:
        located = self._faults.explain(error)
        self._note_crash(located.program_counter, located.description)
        try:
            self._exceptions.fault(located.fault, located.program_counter)
        except LockUp:
            raise self._lock_up() from error

    def _note_crash(self, program_counter: int, description: str) -> None:
        """Remember a fault, and those in whose handlers it happened."""
        from unicorn.arm_const import UC_ARM_REG_LR

        if not self._interrupts.is_handling_fault:
            self._crashes.clear()
        link_register = self._engine.reg_read(UC_ARM_REG_LR)
        self._crashes.append(
            f"in {self._image.function_at(program_counter)} (PC {program_counter:#010x}, called from "
            f"{self._image.function_at((link_register & ~1) - 2)}): {description}"
        )

    def _lock_up(self) -> DeviceError:
        return DeviceError(
            f"the firmware crashed {', and then '.join(self._crashes)}; the core has locked up",
            hint=f"look the addresses up in {self._image.path} with arm-none-eabi-addr2line",
        )

    def _wakes_up(self) -> bool:
        if not self._exceptions.wakes_up() and self._link.has_byte and self._chip.core.has_tick_interrupt:
            # Nothing but the system timer ends this sleep, and it does so soon.
            self._interrupts.pend(SYSTICK)
        return self._exceptions.wakes_up()

    def _unmask(self) -> bool:
        """After WFI with interrupts masked: step until they are not. Whether it came there."""
        if not self._exceptions.masks.primary:
            return True
        for _ in range(_STEPS_TO_UNMASK):
            if not self._single_step.do_here():
                self._single_step.prepare()
                if not self._run(instructions=1):
                    return False
            if not self._exceptions.masks.primary:
                return True
        return False

    def _end_boot(self) -> None:
        self.counter.is_wanted = False
        self.counter.apply()

    def _request_reset(self) -> None:
        self._reset_requested = True
        self._engine.emu_stop()

    def _interrupt_lines(self) -> tuple[int, ...]:
        if self._uart_interrupt is None or not self._chip.peripherals.wants_interrupt:
            return ()
        return (self._uart_interrupt,)

    def _add_callbacks(self) -> None:
        from unicorn import UC_HOOK_INTR

        for base, size_bytes in self._chip.windows:
            self._engine.mmio_map(base, size_bytes, self._on_read, base, self._on_write, base)
        self._engine.hook_add(UC_HOOK_INTR, self._on_exception)

    def _on_read(self, _engine: Any, offset: int, size: int, base: int) -> int:
        value = self._chip.read(base + offset, size)
        self.counter.apply()
        return value

    def _on_write(self, _engine: Any, offset: int, size: int, value: int, base: int) -> None:
        self._chip.write(base + offset, value, size)

    def _on_exception(self, engine: Any, number: int, _user_data: object) -> None:
        program_counter = self._exceptions.program_counter
        try:
            if number == _EXCEPTION_RETURN:
                self._exceptions.leave(program_counter | 1)
            elif number == _SUPERVISOR_CALL:
                self._exceptions.call_supervisor(program_counter)
            elif number == _BREAK_POINT:
                self._note_crash(program_counter, "BKPT without a debugger")
                self._exceptions.break_point(program_counter)
            else:
                self._note_crash(program_counter, f"QEMU's exception {number}")
                self._exceptions.fault(Fault(UNDEFINED_INSTRUCTION), program_counter)
        except LockUp:
            self._failure_in_callback = self._lock_up()
            engine.emu_stop()


def _open_engine(image: FirmwareImage, board: EmulatedBoard) -> Any:
    try:
        import unicorn
    except ImportError as error:
        raise EnvironmentProblem(
            "the emulator needs the package unicorn, which is not installed",
            hint='pip install "ppg-deploy[emulator]"',
        ) from error
    engine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    engine.ctl_set_cpu_model(getattr(unicorn.arm_const, CPU_MODELS[board.cpu]))
    for memory in board.memory:
        read_execute = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        engine.mem_map(
            memory.origin, memory.size_bytes, read_execute if memory.is_flash else unicorn.UC_PROT_ALL
        )
    for segment in image.segments:
        try:
            engine.mem_write(segment.address, segment.data)
        except unicorn.UcError as error:
            raise InputError(
                f"{image.path}: {len(segment.data)} bytes at {segment.address:#010x} lie outside the memory of "
                f"{board.id}",
                hint="build the firmware for this board, or choose the board that it was built for",
            ) from error
    return engine
