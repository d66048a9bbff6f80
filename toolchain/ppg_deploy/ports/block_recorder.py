"""Records which basic blocks a unicorn engine executes, and from which lines of flash they read data."""

import ctypes
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ppg_deploy.timing import FLASH_LINE_BYTES, Block

_SIZE_SHIFT = 32
# 8 bytes a block: what is recorded is handed on before it takes more than 8 MiB.
_FLUSH_BLOCKS = 1 << 20
_NO_LINE = -1

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BlockTrace:
    """Executed blocks in order: `order[i]` is the index in `blocks` of the i-th one. Never empty.

    `flash_lines` has an entry for every data read from flash that left the line of the read before it: the position in
    `order` of the block that read; -1 is the last block of the trace before.
    """

    blocks: tuple[Block, ...]
    order: Indices
    flash_lines: Indices


class BlockRecorder:
    """Calls `consume` with the executed blocks, piece by piece; about two million blocks a second.

    unicorn compiles blocks once, with or without the call of a hook: `start` and `stop` make it forget compiled code
    in `code_ranges` (first address, end address). Both, like `flush`, may only be called while the engine stands still
    or from one of its callbacks.
    """

    def __init__(
        self,
        engine: Any,
        code_ranges: list[tuple[int, int]],
        flash_ranges: list[tuple[int, int]],
        consume: Callable[[BlockTrace], None],
    ) -> None:
        self._engine = engine
        self._code_ranges = code_ranges
        self._flash_ranges = flash_ranges
        self._consume = consume
        self._recorded: array[int] = array("Q")
        self._flash_lines: array[int] = array("q")
        self._hooks: list[ctypes.c_size_t] = []
        self._callback = self._make_callback()
        self._read_callback = self._make_read_callback()

    @property
    def is_recording(self) -> bool:
        """Whether blocks are being recorded."""
        return bool(self._hooks)

    def start(self, *, with_flash_lines: bool) -> None:
        """Record from the next block on."""
        from unicorn import UC_HOOK_BLOCK, UC_HOOK_MEM_READ

        if self._hooks:
            return
        # A range whose end lies before its start is all of memory.
        self._add_hook(UC_HOOK_BLOCK, self._callback, 1, 0)
        if with_flash_lines:
            for first, end in self._flash_ranges:
                self._add_hook(UC_HOOK_MEM_READ, self._read_callback, first, end - 1)
        self._forget_compiled_code()

    def _add_hook(self, kind: int, callback: Any, first: int, last: int) -> None:
        from unicorn.unicorn_py3.unicorn import uclib

        hook = ctypes.c_size_t()
        # The binding's own hook_add wraps the callback in two more Python calls: half the speed.
        uclib.uc_hook_add(
            self._engine._uch,
            ctypes.byref(hook),
            kind,
            ctypes.cast(callback, ctypes.c_void_p),
            None,
            ctypes.c_uint64(first),
            ctypes.c_uint64(last),
        )
        self._hooks.append(hook)

    def stop(self) -> None:
        """Record no more; what was recorded is handed on."""
        from unicorn.unicorn_py3.unicorn import uclib

        if not self._hooks:
            return
        for hook in self._hooks:
            uclib.uc_hook_del(self._engine._uch, hook)
        self._hooks.clear()
        self._forget_compiled_code()
        self.flush()

    def flush(self) -> None:
        """Hand on what was recorded so far."""
        if not self._recorded:
            return
        packed, order = np.unique(np.array(self._recorded, dtype=np.int64), return_inverse=True)
        lines = np.array(self._flash_lines, dtype=np.int64)
        del self._recorded[:]
        del self._flash_lines[:]
        addresses, sizes = packed & ((1 << _SIZE_SHIFT) - 1), packed >> _SIZE_SHIFT
        blocks = tuple(map(Block, addresses.tolist(), sizes.tolist()))
        self._consume(BlockTrace(blocks, order, lines))

    def _forget_compiled_code(self) -> None:
        for first, end in self._code_ranges:
            self._engine.ctl_remove_cache(first, end)

    def _make_callback(self) -> Any:
        from unicorn.unicorn_py3.unicorn import HOOK_CODE_CFUNC

        recorded = self._recorded
        append = recorded.append

        def on_block(_engine: int, address: int, size_bytes: int, _user_data: int) -> None:
            append(address | size_bytes << _SIZE_SHIFT)
            if len(recorded) >= _FLUSH_BLOCKS:
                self.flush()

        return HOOK_CODE_CFUNC(on_block)

    def _make_read_callback(self) -> Any:
        from unicorn.unicorn_py3.unicorn import HOOK_MEM_ACCESS_CFUNC

        recorded = self._recorded
        append = self._flash_lines.append
        last_line = _NO_LINE

        def on_read(_engine: int, _kind: int, address: int, _size: int, _value: int, _user_data: int) -> None:
            nonlocal last_line
            line = address // FLASH_LINE_BYTES
            if line != last_line:
                last_line = line
                append(len(recorded) - 1)

        return HOOK_MEM_ACCESS_CFUNC(on_read)
