"""Finds one inference in the stream of executed blocks, and whose work each block was."""

from collections import Counter

import numpy as np

from ppg_deploy.ports.block_recorder import BlockTrace, Indices
from ppg_deploy.ports.firmware_image import Function
from ppg_deploy.timing import RUN, Block, FlashReader, Step


class InferenceWindow:
    """From the first instruction of `run`, which may be a push, to the one after its return.

    Between the entry of an operator's function and the next instruction of `run` itself, everything belongs to that
    operator; the rest is RUN's. `return_address` must be set when `run` is entered. `flash_lines` counts by whom data
    was read from another line of flash than before; None unless asked for.
    """

    def __init__(
        self, run: Function, operators: dict[int, tuple[Function, ...]], *, with_flash_lines: bool = False
    ) -> None:
        self.return_address: int | None = None
        self.is_complete = False
        self.steps: Counter[Step] = Counter()
        self.flash_lines: Counter[FlashReader] | None = Counter() if with_flash_lines else None
        self._run = run
        self._owner_of_entry = {
            function.address: index for index, functions in operators.items() for function in functions
        }
        self._has_begun = False
        self._owner = RUN
        self._last_block: Block | None = None

    def consume(self, trace: BlockTrace) -> None:
        """Blocks in the order of their execution; successive calls continue the stream."""
        if self.is_complete or self.return_address is None:
            return
        order, lines = trace.order, trace.flash_lines
        addresses = np.array([block.address for block in trace.blocks], dtype=np.int64)
        if not self._has_begun:
            entries = np.flatnonzero(addresses[order] == self._run.address)
            if entries.size == 0:
                return
            self._has_begun = True
            order = order[entries[0] :]
            lines = lines[lines >= entries[0]] - entries[0]
        returns = np.flatnonzero(addresses[order] == self.return_address)
        if returns.size:
            self.is_complete = True
            order = order[: returns[0]]
            lines = lines[lines < returns[0]]
        if order.size:
            self._count(trace.blocks, order, lines)
        elif self.flash_lines is not None and self._last_block is not None:
            self.flash_lines[FlashReader(self._owner, self._last_block)] += lines.size
        if self.is_complete:
            self._count_last_block(self.return_address)

    def _count(self, blocks: tuple[Block, ...], order: Indices, lines: Indices) -> None:
        """Count every block but the last, whose successor is not known yet."""
        self._count_last_block(blocks[order[0]].address)
        owners = self._owners(blocks, order)
        if self.flash_lines is not None:
            self._count_lines(self.flash_lines, blocks, order, owners, lines)
        # One number for owner, block and next block; owners start at RUN, which is -1.
        keys, counts = np.unique(
            ((owners[:-1] + 1) * len(blocks) + order[:-1]) * len(blocks) + order[1:], return_counts=True
        )
        for key, count in zip(keys.tolist(), counts.tolist(), strict=True):
            owner_and_block, following = divmod(key, len(blocks))
            owner, block = divmod(owner_and_block, len(blocks))
            self.steps[Step(owner - 1, blocks[block], blocks[following].address)] += count
        self._owner = int(owners[-1])
        self._last_block = blocks[order[-1]]

    def _count_lines(
        self,
        counts: Counter[FlashReader],
        blocks: tuple[Block, ...],
        order: Indices,
        owners: Indices,
        lines: Indices,
    ) -> None:
        before = int(np.count_nonzero(lines < 0))
        if before and self._last_block is not None:
            counts[FlashReader(self._owner, self._last_block)] += before
        readers = lines[lines >= 0]
        keys, found = np.unique((owners[readers] + 1) * len(blocks) + order[readers], return_counts=True)
        for key, count in zip(keys.tolist(), found.tolist(), strict=True):
            owner, block = divmod(key, len(blocks))
            counts[FlashReader(owner - 1, blocks[block])] += count

    def _count_last_block(self, next_address: int) -> None:
        if self._last_block is not None:
            self.steps[Step(self._owner, self._last_block, next_address)] += 1

    def _owners(self, blocks: tuple[Block, ...], order: Indices) -> Indices:
        run_end = self._run.address + self._run.size_bytes
        unchanged = RUN - 1
        change_by = np.full(len(blocks), unchanged, dtype=np.int64)
        for index, block in enumerate(blocks):
            if block.address in self._owner_of_entry:
                change_by[index] = self._owner_of_entry[block.address]
            elif self._run.address <= block.address < run_end:
                change_by[index] = RUN
        changes = change_by[order]
        positions = np.flatnonzero(changes != unchanged)
        owners = np.concatenate(([self._owner], changes[positions]))
        return owners[np.searchsorted(positions, np.arange(order.size), side="right")]
