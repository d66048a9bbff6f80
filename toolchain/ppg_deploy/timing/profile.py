"""What one inference costs, in total, by function and by operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ppg_deploy.timing.blocks import Block, instruction_count
from ppg_deploy.timing.model import TimingModel

RUN = -1
"""Owner of the code of the inference that belongs to no operator."""


@dataclass(frozen=True)
class FunctionCost:
    """Share of one C function, without the functions it calls."""

    name: str
    instructions: int
    cycles_estimated: int | None


@dataclass(frozen=True)
class OperatorCost:
    """Share of one operator, with every function called on its behalf.

    `index` is the position in the model, or None for the code around the operators, whose name is "run".
    """

    index: int | None
    name: str
    instructions: int
    cycles_estimated: int | None


@dataclass(frozen=True)
class InferenceProfile:
    """One inference, from the first instruction of `ppg_model_run` or `ppg_model_push` to its return.

    `instructions` is exact: an instruction of an IT block counts whether or not its condition holds. The cycles are
    the estimate of `timing_model`; both are None for a core that no timing model describes. `by_function` is sorted
    by instructions, largest first; `by_operator` by index, with "run" last. Each of the two adds up to the totals; with
    a calibrated model, whose estimates are rounded one by one, to within one cycle a part. `flash_lines` is there where
    the timing model asks for it.
    """

    instructions: int
    cycles_estimated: int | None
    timing_model: str | None
    flash_lines: int | None
    by_function: tuple[FunctionCost, ...]
    by_operator: tuple[OperatorCost, ...]


@dataclass(frozen=True, order=True)
class Step:
    """Execution of a block on behalf of `owner` (an operator's index, or RUN), and the address it went on to."""

    owner: int
    block: Block
    next_address: int


class Code(Protocol):
    """The image that was executed."""

    def read(self, address: int, size_bytes: int) -> bytes:
        """The bytes of the code at `address`."""
        ...

    def function_at(self, address: int) -> str:
        """Name of the function that `address` lies in."""
        ...


@dataclass(frozen=True, order=True)
class FlashReader:
    """A block that reads data from flash on behalf of `owner` (an operator's index, or RUN)."""

    owner: int
    block: Block


@dataclass
class _Cost:
    instructions: int = 0
    cycles: int = 0
    flash_lines: int = 0


def profile_inference(
    steps: Mapping[Step, int],
    *,
    code: Code,
    operator_names: Mapping[int, str],
    timing_model: TimingModel | None,
    flash_lines: Mapping[FlashReader, int] | None = None,
) -> InferenceProfile:
    """The profile of the execution counts `steps` of one inference.

    Args:
        steps: executions by block, owner and successor.
        code: the image.
        operator_names: by index.
        timing_model: estimates cycles; a calibrated one needs `flash_lines`.
        flash_lines: 16-byte lines of flash that data was read from, each time it was another one than before.
    """
    by_function: dict[str, _Cost] = {}
    by_operator: dict[int, _Cost] = {}
    for step, executions in steps.items():
        content = code.read(*step.block)
        instructions = executions * instruction_count(content)
        cycles = 0
        if timing_model is not None:
            cycles = executions * timing_model.cycles(step.block.address, content, step.next_address)
        for cost in (
            by_function.setdefault(code.function_at(step.block.address), _Cost()),
            by_operator.setdefault(step.owner, _Cost()),
        ):
            cost.instructions += instructions
            cost.cycles += cycles

    for reader, lines in (flash_lines or {}).items():
        by_function[code.function_at(reader.block.address)].flash_lines += lines
        by_operator[reader.owner].flash_lines += lines

    def cycles_of(costs: Iterable[_Cost]) -> int | None:
        if timing_model is None:
            return None
        costs = list(costs)
        cycles = sum(cost.cycles for cost in costs)
        if timing_model.calibration is None:
            return cycles
        return timing_model.calibration.cycles(cycles, sum(cost.flash_lines for cost in costs))

    return InferenceProfile(
        instructions=sum(cost.instructions for cost in by_function.values()),
        cycles_estimated=cycles_of(by_function.values()),
        timing_model=None if timing_model is None else timing_model.name,
        flash_lines=None if flash_lines is None else sum(flash_lines.values()),
        by_function=tuple(
            FunctionCost(name, cost.instructions, cycles_of([cost]))
            for name, cost in sorted(by_function.items(), key=lambda item: (-item[1].instructions, item[0]))
        ),
        by_operator=tuple(
            OperatorCost(
                index=None if owner == RUN else owner,
                name="run" if owner == RUN else operator_names[owner],
                instructions=by_operator[owner].instructions,
                cycles_estimated=cycles_of([by_operator[owner]]),
            )
            for owner in sorted(by_operator, key=lambda owner: (owner == RUN, owner))
        ),
    )
