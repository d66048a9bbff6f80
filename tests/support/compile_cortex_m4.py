"""Runs compiled models on an emulated Cortex-M4 (unicorn), where the kernels take their SIMD path.

There is no firmware around them: the test writes the input into memory, calls ppg_model_run and reads the output.
Everything that the model must not touch is filled with a pattern and compared afterwards.
"""

import atexit
import functools
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile
from numpy.typing import NDArray

from ppg_deploy.compile import CompiledModel, compile_graph
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from tests.support.compile_host import API, RUNTIME, SHA256, WARNINGS, write_sources

_FLASH, _FLASH_BYTES = 0x08000000, 1 << 20
_RAM, _RAM_BYTES = 0x20000000, 1 << 18
# Input, output and stack of the caller lie above the model's own variables.
_INPUT = _RAM + 0x20000
_OUTPUT = _RAM + 0x30000
_STACK_TOP = _RAM + _RAM_BYTES
_RETURN = _FLASH + _FLASH_BYTES - 16
_FILL = 0xA5
_MARGIN = 64
_TIMEOUT_S = 120
_TARGET = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-O2", "-g")
_LINKER_SCRIPT = """
MEMORY {
  FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M
  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 128K
}
SECTIONS {
  .text : { *(.text*) *(.rodata*) } > FLASH
  .ARM.exidx : { *(.ARM.exidx*) } > FLASH
  .data : { *(.data*) } > RAM
  .bss (NOLOAD) : { *(.bss*) *(COMMON) } > RAM
}
"""


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stderr[-6000:]}"


@dataclass(frozen=True)
class Cost:
    """Instructions and estimated cycles (zero wait states) of one inference, in all and per function."""

    instructions: int
    cycles: int
    by_operator: dict[str, int]


class CortexM4:
    """Compiles the runtime once, then builds and runs any number of models."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        (folder / "test.ld").write_text(_LINKER_SCRIPT)
        self._objects = []
        for source in sorted(RUNTIME.glob("*.c")):
            target = folder / f"{source.stem}.o"
            _run(["arm-none-eabi-gcc", *_TARGET, *WARNINGS, f"-I{RUNTIME}", "-c", source, "-o", target])
            self._objects.append(target)

    def build(
        self,
        graph: Graph,
        *,
        optimize: Optimize = Optimize.BALANCED,
        ram_budget: int | None = None,
        features: bool = False,
    ) -> "CompiledForM4":
        """Compile, link and load one graph; `features` leaves out the forms of kernels that it does not need."""
        self._count += 1
        folder = self._folder / f"model{self._count}"
        compiled = compile_graph(
            graph, model_sha256=SHA256, dsp=True, optimize=optimize, ram_budget=ram_budget
        )
        write_sources(compiled, folder)
        sources = [folder / "model.c", folder / "model_data.c"]
        flags = [
            *_TARGET,
            *WARNINGS,
            "-nostartfiles",
            f"-I{RUNTIME}",
            f"-I{API}",
            f"-Wl,-T,{self._folder}/test.ld",
        ]
        keep = ["-Wl,-e,ppg_model_run", "-Wl,--no-warn-rwx-segments"]
        if features:
            kernels = [RUNTIME / name for name in compiled.kernel_files if name.endswith(".c")]
            rest = [f"-I{folder}", *kernels]
        else:
            rest = [*self._objects]
        _run(["arm-none-eabi-gcc", *flags, *keep, *sources, *rest, "-o", folder / "model.elf"])
        return CompiledForM4(compiled, folder / "model.elf")


class CompiledForM4:
    """One linked model in the emulator's memory."""

    def __init__(self, compiled: CompiledModel, elf: Path) -> None:
        from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
        from unicorn.arm_const import UC_CPU_ARM_CORTEX_M4

        self.compiled = compiled
        self._engine: Any = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._engine.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        self._engine.mem_map(_FLASH, _FLASH_BYTES)
        self._engine.mem_map(_RAM, _RAM_BYTES)
        self._engine.mem_write(_RAM, bytes([_FILL]) * _RAM_BYTES)
        with elf.open("rb") as stream:
            image = ELFFile(stream)
            for segment in image.iter_segments("PT_LOAD"):
                self._engine.mem_write(segment["p_paddr"], segment.data())
            symbols = list(image.get_section_by_name(".symtab").iter_symbols())
        self.symbols = {symbol.name: symbol["st_value"] & ~1 for symbol in symbols}
        self.sizes = {symbol.name: symbol["st_size"] for symbol in symbols}

    def run(self, windows: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs (windows, output bytes)."""
        return np.stack([self._run_one(window.tobytes()) for window in windows])

    def _run_one(self, window: bytes) -> NDArray[np.int8]:
        from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_SP

        engine, size = self._engine, self.compiled.output_bytes
        engine.mem_write(_INPUT, window)
        engine.mem_write(_OUTPUT - _MARGIN, bytes([_FILL]) * (size + 2 * _MARGIN))
        for register, value in (
            (UC_ARM_REG_R0, _INPUT),
            (UC_ARM_REG_R1, _OUTPUT),
            (UC_ARM_REG_SP, _STACK_TOP),
            (UC_ARM_REG_LR, _RETURN | 1),
        ):
            engine.reg_write(register, value)
        engine.emu_start(self.symbols["ppg_model_run"] | 1, _RETURN, timeout=_TIMEOUT_S * 1_000_000)
        assert engine.reg_read(UC_ARM_REG_R0) == 0
        assert engine.reg_read(UC_ARM_REG_SP) == _STACK_TOP
        assert bytes(engine.mem_read(_INPUT, len(window))) == window, "input was modified"
        self._check_untouched(_OUTPUT - _MARGIN, _MARGIN)
        self._check_untouched(_OUTPUT + size, _MARGIN)
        arena = self.symbols["ppg_model_arena"]
        self._check_untouched(_RAM, arena - _RAM)
        self._check_untouched(arena + self.compiled.arena_bytes, _MARGIN)
        return np.frombuffer(bytes(engine.mem_read(_OUTPUT, size)), np.int8)

    def _check_untouched(self, address: int, count: int) -> None:
        assert set(self._engine.mem_read(address, count)) <= {_FILL}, f"{count} bytes at {address:#x} changed"

    def cost(self, window: NDArray[np.int8]) -> Cost:
        """Instructions and cycles of one window."""
        from unicorn import UC_HOOK_BLOCK

        from ppg_deploy.timing.cortex_m4 import CortexM4ZeroWaitState, decode

        entries = {
            address: name.split("_piece_")[0]
            for name, address in self.symbols.items()
            if name.startswith("ppg_model_op_")
        }
        counts: Counter[tuple[str, int, int, int]] = Counter()
        state: dict[str, Any] = {"operator": "", "block": None}

        def on_block(_engine: Any, address: int, size: int, _data: Any) -> None:
            if state["block"] is not None:
                counts[(state["operator"], *state["block"], address)] += 1
            state["operator"] = entries.get(address, state["operator"])
            state["block"] = (address, size)

        # Blocks translated before the hook exists would not call it.
        self._engine.ctl_flush_tb()
        hook = self._engine.hook_add(UC_HOOK_BLOCK, on_block)
        self._run_one(window.tobytes())
        self._engine.hook_del(hook)
        counts[(state["operator"], *state["block"], _RETURN)] += 1
        model = CortexM4ZeroWaitState()
        by_operator: Counter[str] = Counter()
        instructions = 0
        for (operator, address, size, following), times in counts.items():
            code = bytes(self._engine.mem_read(address, size))
            by_operator[operator] += times * model.cycles(address, code, following)
            instructions += times * sum(1 for _ in decode(address, code))
        return Cost(instructions, sum(by_operator.values()), dict(by_operator))


@functools.cache
def cortex_m4() -> CortexM4:
    """One compiled runtime for all tests of a session."""
    folder = tempfile.TemporaryDirectory(prefix="ppg-compile-m4-")
    atexit.register(folder.cleanup)
    return CortexM4(Path(folder.name))
