"""A microcontroller in the unicorn engine: runs the unmodified firmware, instruction by instruction.

The processor runs in a thread of its own and is never stopped to be continued later. unicorn 2.1.3, asked to stop,
leaves a block after its next memory access but later continues from the block's start, so that the instructions
before the access would run twice. Instead, a read of the idle UART keeps the thread waiting until there is input.
"""

import struct
import threading
from typing import Any

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError, InternalError, PpgDeployError
from ppg_deploy.ports.chip_model import CPU_MODELS, describe_chip, make_chip
from ppg_deploy.ports.core_registers import CoreRegisters
from ppg_deploy.ports.emulated_board import EmulatedBoard
from ppg_deploy.ports.execution_counter import ExecutionCounter
from ppg_deploy.ports.firmware_image import FirmwareImage
from ppg_deploy.ports.nrf52_peripherals import DmaMemory
from ppg_deploy.ports.serial_link import SerialLink

_NO_END_ADDRESS = 0xFFFFFFFE
_STOP_ATTEMPTS = 100
_STOP_ATTEMPT_S = 0.1


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
        self._vector_table = next(memory.origin for memory in board.memory if memory.is_flash)
        self._engine = _open_engine(image, board)
        self.counter = ExecutionCounter(
            self._engine,
            image,
            code_ranges=[(memory.origin, memory.origin + memory.size_bytes) for memory in board.memory],
            flash_ranges=[
                (memory.origin, memory.origin + memory.size_bytes)
                for memory in board.memory
                if memory.is_flash
            ],
        )
        core = CoreRegisters(
            cpu=board.cpu, instructions=self.counter.instructions, request_reset=self._request_reset
        )
        memory = DmaMemory(
            ranges=tuple(
                (memory.origin, memory.origin + memory.size_bytes)
                for memory in board.memory
                if not memory.is_flash
            ),
            read=lambda address, count: bytes(self._engine.mem_read(address, count)),
            write=self._engine.mem_write,
        )
        self._chip = make_chip(description, uart_base=board.uart_base, core=core, link=link, memory=memory)
        self._reset_requested = False
        self._fault_access = ""
        self._map_peripherals()
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
        for _ in range(_STOP_ATTEMPTS):
            if not self._thread.is_alive():
                return
            # A request that arrives between two runs of the engine is lost: hence the attempts.
            self._engine.emu_stop()
            self._thread.join(_STOP_ATTEMPT_S)
        raise InternalError("the unicorn engine does not stop", hint="end the program")

    def _live(self) -> None:
        try:
            while not self._link.is_closed:
                self._run_until_reset()
        except PpgDeployError as failure:
            self._link.fail(failure)
        except Exception as bug:
            self._link.fail(
                InternalError(f"the board model failed: {bug!r}", hint="report this, with the firmware")
            )

    def _run_until_reset(self) -> None:
        from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_SP

        self._reset_requested = False
        self._chip.reset()
        self._link.on_first_idle = self._end_boot
        self.counter.is_wanted = True
        self.counter.apply()
        stack, address = struct.unpack("<II", self._engine.mem_read(self._vector_table, 8))
        self._engine.reg_write(UC_ARM_REG_SP, stack)
        while not self._link.is_closed and not self._reset_requested:
            self._run_from(address)
            if not self._reset_requested:
                # The engine ended by itself: the firmware sleeps until an interrupt, which only input can cause.
                self._link.wait_for_data()
                address = self._engine.reg_read(UC_ARM_REG_PC)

    def _run_from(self, address: int) -> None:
        from unicorn import UcError

        try:
            self._engine.emu_start(address | 1, _NO_END_ADDRESS)
        except UcError as error:
            raise self._crash(error) from error

    def _crash(self, error: Exception) -> DeviceError:
        from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_PC

        pc, lr = (self._engine.reg_read(register) for register in (UC_ARM_REG_PC, UC_ARM_REG_LR))
        access = self._fault_access or str(error)
        return DeviceError(
            f"the firmware crashed in {self._image.function_at(pc)} (block at PC {pc:#010x}, called from "
            f"{self._image.function_at((lr & ~1) - 2)}): {access}",
            hint=f"look the addresses up in {self._image.path} with arm-none-eabi-addr2line",
        )

    def _end_boot(self) -> None:
        self.counter.is_wanted = False
        self.counter.apply()

    def _request_reset(self) -> None:
        self._reset_requested = True
        self._engine.emu_stop()

    def _map_peripherals(self) -> None:
        from unicorn import UC_HOOK_MEM_INVALID

        for base, size_bytes in self._chip.windows:
            self._engine.mmio_map(base, size_bytes, self._on_read, base, self._on_write, base)
        self._engine.hook_add(UC_HOOK_MEM_INVALID, self._on_invalid_access)

    def _on_read(self, _engine: Any, offset: int, _size: int, base: int) -> int:
        value = self._chip.read(base + offset)
        self.counter.apply()
        return value

    def _on_write(self, _engine: Any, offset: int, _size: int, value: int, base: int) -> None:
        self._chip.write(base + offset, value)

    def _on_invalid_access(self, _engine: Any, access: int, address: int, size: int, *_: object) -> bool:
        from unicorn import unicorn_const

        kinds = {
            unicorn_const.UC_MEM_READ_UNMAPPED: "read of",
            unicorn_const.UC_MEM_WRITE_UNMAPPED: "write to",
            unicorn_const.UC_MEM_FETCH_UNMAPPED: "jump to",
            unicorn_const.UC_MEM_WRITE_PROT: "write to read-only",
        }
        kind = kinds.get(access, "invalid access to")
        self._fault_access = (
            f"{kind} address {address:#010x} ({size} bytes), where the board has no such memory"
        )
        return False


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
