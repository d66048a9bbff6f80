"""Records which basic blocks a unicorn engine executes, at about two million blocks a second."""

import ctypes
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ppg_deploy.timing import Block

_SIZE_SHIFT = 32
# 8 bytes a block: what is recorded is handed on before it takes more than 8 MiB.
_FLUSH_BLOCKS = 1 << 20

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BlockTrace:
    """Executed blocks in order: `order[i]` is the index in `blocks` of the i-th one. Never empty."""

    blocks: tuple[Block, ...]
    order: Indices


class BlockRecorder:
    """Calls `consume` with the executed blocks, piece by piece.

    unicorn compiles blocks once, with or without the call of a hook: `start` and `stop` make it forget compiled code
    in `code_ranges` (first address, end address). Both, like `flush`, may only be called while the engine stands still
    or from one of its callbacks.
    """

    def __init__(
        self, engine: Any, code_ranges: list[tuple[int, int]], consume: Callable[[BlockTrace], None]
    ) -> None:
        self._engine = engine
        self._code_ranges = code_ranges
        self._consume = consume
        self._recorded: array[int] = array("Q")
        self._hook: ctypes.c_size_t | None = None
        self._callback = self._make_callback()

    @property
    def is_recording(self) -> bool:
        """Whether blocks are being recorded."""
        return self._hook is not None

    def start(self) -> None:
        """Record from the next block on."""
        from unicorn import UC_HOOK_BLOCK
        from unicorn.unicorn_py3.unicorn import uclib

        if self._hook is not None:
            return
        self._hook = ctypes.c_size_t()
        # The binding's own hook_add wraps the callback in two more Python calls: half the speed.
        uclib.uc_hook_add(
            self._engine._uch,
            ctypes.byref(self._hook),
            UC_HOOK_BLOCK,
            ctypes.cast(self._callback, ctypes.c_void_p),
            None,
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        self._forget_compiled_code()

    def stop(self) -> None:
        """Record no more; what was recorded is handed on."""
        from unicorn.unicorn_py3.unicorn import uclib

        if self._hook is None:
            return
        uclib.uc_hook_del(self._engine._uch, self._hook)
        self._hook = None
        self._forget_compiled_code()
        self.flush()

    def flush(self) -> None:
        """Hand on what was recorded so far."""
        if not self._recorded:
            return
        packed, order = np.unique(np.array(self._recorded, dtype=np.int64), return_inverse=True)
        del self._recorded[:]
        addresses, sizes = packed & ((1 << _SIZE_SHIFT) - 1), packed >> _SIZE_SHIFT
        self._consume(BlockTrace(tuple(map(Block, addresses.tolist(), sizes.tolist())), order))

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
