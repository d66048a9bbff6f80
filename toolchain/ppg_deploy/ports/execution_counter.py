"""Counts instructions while that is asked for: during start-up for the chip's own counters, later for one inference."""

from typing import Any

import numpy as np

from ppg_deploy.errors import DeviceError
from ppg_deploy.ports.block_recorder import BlockRecorder, BlockTrace
from ppg_deploy.ports.firmware_image import Entry, FirmwareImage
from ppg_deploy.ports.inference_window import InferenceWindow
from ppg_deploy.timing import Block, InferenceProfile, TimingModel, instruction_count, profile_inference


class ExecutionCounter:
    """Instruction counts of a running engine.

    `is_wanted` may be changed from any thread and takes effect when the engine's thread calls `apply`. Every other
    method is for the engine's thread, or for another one while that thread waits in a callback.
    """

    def __init__(
        self,
        engine: Any,
        image: FirmwareImage,
        code_ranges: list[tuple[int, int]],
        flash_ranges: list[tuple[int, int]],
    ) -> None:
        self.is_wanted = False
        self._engine = engine
        self._image = image
        self._recorder = BlockRecorder(engine, code_ranges, flash_ranges, self._consume)
        self._instructions = 0
        self._last_block: Block | None = None
        self._instructions_of: dict[Block, int] = {}
        self._window: InferenceWindow | None = None
        self._entry = Entry.RUN
        for entry in Entry:
            function = image.function(entry)
            if function is not None:
                self._call_when_entered(entry, function.address)

    @property
    def has_window(self) -> bool:
        """Whether an inference is to be profiled."""
        return self._window is not None

    def apply(self) -> None:
        """Start or stop counting, as `is_wanted` says."""
        if self.is_wanted and not self._recorder.is_recording:
            self._recorder.start(
                with_flash_lines=self._window is not None and self._window.flash_lines is not None
            )
        elif not self.is_wanted and self._recorder.is_recording:
            self._recorder.stop()
            self._last_block = None

    def instructions(self) -> int:
        """Instructions executed while counting, up to the start of the block that is running now."""
        self._recorder.flush()
        unfinished = 0 if self._last_block is None else self._count_of(self._last_block)
        return self._instructions - unfinished

    def open_window(self, entry: Entry, *, with_flash_lines: bool) -> None:
        """Profile the next inference by `entry`. Reads from flash are watched only on request: that is slower still.

        Raises:
            DeviceError: the image has no function to watch for.
        """
        function = self._image.function(entry)
        if function is None:
            raise DeviceError(
                f"{self._image.path} has no function {entry.value}, so inferences cannot be counted",
                hint="build the firmware with ppg-deploy build, and do not strip it",
            )
        self._entry = entry
        self._window = InferenceWindow(
            function, self._image.operators(entry), with_flash_lines=with_flash_lines
        )

    def close_window(self, timing_model: TimingModel | None) -> InferenceProfile:
        """The profile of the inference that ran since `open_window`.

        Raises:
            DeviceError: none did, from entry to return.
        """
        self._recorder.flush()
        window, self._window = self._window, None
        if window is None or not window.is_complete:
            raise DeviceError(
                "no inference has run from start to end since counting was armed",
                hint="run one inference between arm() and result()",
            )
        operators = self._image.operators(self._entry)
        names = {index: f"{self._entry.operator}_{index:03d}" for index in operators}
        return profile_inference(
            window.steps,
            code=self._image,
            operator_names=names,
            timing_model=timing_model,
            flash_lines=window.flash_lines,
        )

    def _consume(self, trace: BlockTrace) -> None:
        if self._window is not None:
            self._window.consume(trace)
        executions = np.bincount(trace.order).tolist()
        for block, count in zip(trace.blocks, executions, strict=True):
            self._instructions += count * self._count_of(block)
        self._last_block = trace.blocks[trace.order[-1]]

    def _count_of(self, block: Block) -> int:
        count = self._instructions_of.get(block)
        if count is None:
            count = instruction_count(bytes(self._engine.mem_read(*block)))
            self._instructions_of[block] = count
        return count

    def _call_when_entered(self, entry: Entry, address: int) -> None:
        from unicorn import UC_HOOK_BLOCK
        from unicorn.arm_const import UC_ARM_REG_LR

        def on_entry(engine: Any, *_: object) -> None:
            window = self._window
            if window is not None and self._entry is entry and window.return_address is None:
                window.return_address = engine.reg_read(UC_ARM_REG_LR) & ~1

        self._engine.hook_add(UC_HOOK_BLOCK, on_entry, begin=address, end=address)
