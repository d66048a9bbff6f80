"""CONV_2D by Kronecker substitution, four products in one multiplication: ppg_kronecker.h."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.kronecker_packing import (
    BLOCK_POSITIONS,
    FIELD_BITS,
    FIXED_AT,
    FIXED_RIGHT,
    KEPT_BYTES,
    LARGEST_KERNEL,
    PROVEN_AT,
    ROW_BYTES,
    SCALED_AT,
    Layout,
    Pass,
    centers,
    fields_hold,
    jumps,
    layout_of,
    pack_stream,
    single_pass,
)
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import proven_factors
from ppg_deploy.compile.requantize_fused import fused_factors
from ppg_deploy.compile.steps import ConvolutionStep, Step, WeightedStep

# Accumulators arrive at the top of a word.
_SCALE = 1 << (32 - FIELD_BITS)
# Per block and pair of channels: accumulators kept, the next ones started, the kept ones added.
_PASS_CYCLES = 66
_CODE_BYTES, _HALVES_BYTES = 5230, 2110


@dataclass(frozen=True, eq=False)
class Form:
    """How accumulators become codes: where the code begins, its factors, its cycles per block."""

    end: int
    factors: NDArray[np.int64]
    cycles: int


@dataclass(frozen=True, eq=False)
class Plan:
    """How a step is computed."""

    passes: tuple[Pass, ...]
    form: Form


class KroneckerConvolution(Kernel):
    """Convolutions with kernel (1, k), 2 <= k <= 9, whose accumulators span no more than 21 bits."""

    header = "ppg_kronecker.h"
    files: tuple[str, ...] = ("ppg_kronecker.c", "ppg_kronecker.h", "ppg_kronecker_simd.h")

    def __init__(self, *, halves: bool) -> None:
        """With `halves`, rows end with half a block where that will do."""
        self._halves = halves
        self.name = "conv_kronecker_halves" if halves else "conv_kronecker"
        self.features = frozenset({"PPG_USES_KRONECKER_HALVES"} if halves else ())
        self.shared_code = {"kronecker": _CODE_BYTES} | (
            {"kronecker halves": _HALVES_BYTES} if halves else {}
        )
        self.code_bytes = sum(self.shared_code.values())

    def matches(self, step: Step) -> bool:
        """True when every field of every channel and pass is proven to hold its sums, and a requantisation is."""
        if not isinstance(step, ConvolutionStep) or step.groups != 1 or step.target.channels % 2:
            return False
        window = step.window
        single_rows = window.kernel[0] == 1 and window.stride[0] == 1 and not window.before[0]
        if not single_rows or step.target.rows != step.source.rows:
            return False
        if not 2 <= window.kernel[1] <= LARGEST_KERNEL or window.stride[1] > window.kernel[1]:
            return False
        if self._halves and not any(map(_ends_with_half, _outputs_of_phases(step))):
            return False
        return self._plan(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input, when output rows are no longer than its rows."""
        assert isinstance(step, ConvolutionStep)
        shorter = step.target.columns * step.target.channels <= step.source.columns * step.source.channels
        return step.inputs if shorter else ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Packs, carries, accumulators of passes, a block of outputs, a column of padding, then a copied row."""
        layout, passes, _ = self._planned(step)
        assert isinstance(step, ConvolutionStep)
        packs = layout.used_residues * layout.residue_rows * ROW_BYTES
        per_output = 4 * len(passes) + BLOCK_POSITIONS
        kept = KEPT_BYTES * (len(passes) - 1)
        column = -(-step.source.channels // 4) * 4
        row = step.source.columns * step.source.channels if in_place else 0
        return packs + kept + per_output * step.target.channels + column + row

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and stream of ppg_kronecker."""
        assert isinstance(step, ConvolutionStep)
        layout, passes, form = self._planned(step)
        source, target, window = step.source, step.target, step.window
        step_columns = window.dilation[1]
        parameters = Structure(
            "ppg_kronecker_t",
            {
                "stream": Array("stream", pack_stream(step, layout, passes, form.factors, form.end)),
                "pairs": target.channels // 2,
                "passes": len(passes),
                "rows": source.rows,
                "in_columns": source.columns,
                "in_channels": source.channels,
                "out_columns": target.columns,
                "phases": layout.phases,
                "first_column": -window.before[1],
                "phase_step": window.stride[1],
                "residues": layout.used_residues,
                "residue_step": step_columns,
                "column_step": step_columns * layout.residues,
                "residue_rows": layout.residue_rows,
                "blocks": layout.blocks,
                "packs": layout.extra_packs,
                "back": layout.end_byte - 8,
                "copies_row": int(in_place),
                "input_zero": step.input_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_kronecker", parameters, features=self.features)

    def _plan(self, step: ConvolutionStep) -> Plan | None:
        if not fields_hold(step):
            return None
        form = _form(step)
        return None if form is None else Plan(single_pass(step, layout_of(step)), form)

    def _planned(self, step: Step) -> tuple[Layout, tuple[Pass, ...], Form]:
        assert isinstance(step, ConvolutionStep)
        plan = self._plan(step)
        assert plan is not None
        return layout_of(step), plan.passes, plan.form

    def predicted_cycles(self, step: Step) -> int:
        """Blocks, counted instruction by instruction, and what is around them."""
        assert isinstance(step, ConvolutionStep)
        layout, passes, form = self._planned(step)
        assert isinstance(step, ConvolutionStep)
        pairs = step.target.channels // 2
        groups = [(segment.steps, segment.group) for segment in layout.segments]
        around = 5 * jumps(passes) + form.cycles + _PASS_CYCLES * (len(passes) - 1)
        block = pairs * (sum(count * group.cycles for count, group in groups) + around)
        saved = pairs * sum(count * (group.cycles - group.half_cycles) for count, group in groups)
        row = 0
        for outputs in _outputs_of_phases(step):
            blocks = outputs // BLOCK_POSITIONS + 1
            chunks = -(-blocks // layout.blocks)
            row += blocks * block + _packing_cycles(layout, blocks, chunks)
            if self._halves and _ends_with_half(outputs):
                row -= saved
            # Calls of the assembler: one a chunk and one for each block at a border.
            row += (chunks + 2) * (100 + 25 * pairs) + 200 * chunks
        clamp = 0 if (step.low, step.high) == (-128, 127) else 5 * step.output_bytes
        return step.source.rows * row + clamp


def _outputs_of_phases(step: ConvolutionStep) -> list[int]:
    """Outputs of each phase of a row."""
    phases = layout_of(step).phases
    return [-(-(step.target.columns - phase) // phases) for phase in range(min(phases, step.target.columns))]


def _ends_with_half(outputs: int) -> bool:
    """True when the last block is wanted for its first two positions at most: output 4 i - 1 and 4 i."""
    return outputs % BLOCK_POSITIONS <= 1


def _packing_cycles(layout: Layout, blocks: int, chunks: int) -> int:
    packs = layout.used_residues * (2 * blocks + chunks * layout.extra_packs)
    return int(5.5 * packs * layout.channels) + 20 * chunks * layout.channels


@once_per_weights
def _form(step: WeightedStep) -> Form | None:
    """The fastest proven requantisation of a single pass."""
    around = centers(step)
    for right, end, cycles in ((FIXED_RIGHT, FIXED_AT, 80), (None, SCALED_AT, 93)):
        fused = fused_factors(step, _SCALE, right, added_later=around)
        if fused is not None:
            words = np.array([(factor.multiplier, factor.first, factor.right) for factor in fused], np.int64)
            return Form(end, words, cycles)
    proven = proven_factors(step)
    if proven is None:
        return None
    words = np.array([factor.words for factor in proven], np.int64)
    # Twice the center stands above the right shift.
    words[:, 2] += around << 9
    return Form(PROVEN_AT, words, 113)
