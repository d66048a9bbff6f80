"""What the compiler hands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from ppg_deploy.compile.explain import Decisions
from ppg_deploy.compile.push import PushFacts


@dataclass(frozen=True)
class CompiledOperator:
    """One operator: the function ppg_model_op_NNN, or, of several pieces, ppg_model_op_NNN_piece_MMM.

    `pieces` compute the operator's output one part after the other; `macs` are those of the operator, `computed_macs`
    include what several pieces compute. `graph_operators` are the numbers of the graph's operators that it computes;
    RESHAPE appears in none. Offsets are bytes into the arena, None for the caller's input and output buffers; of
    several pieces they are the first one's. `input_offsets` leaves constants out.
    """

    index: int
    kind: str
    name: str
    kernel: str
    graph_operators: tuple[int, ...]
    pieces: int
    macs: int
    computed_macs: int
    constant_bytes: int
    input_offsets: tuple[int | None, ...]
    output_offset: int | None
    output_bytes: int
    scratch_bytes: int
    in_place: bool


@dataclass(frozen=True)
class CompiledModel:
    """Generated C text by file name, and what it costs.

    `kernel_files` are the names in firmware/runtime/ that have to be compiled beside it.
    """

    model_sha256: str
    files: Mapping[str, str]
    kernel_files: tuple[str, ...]
    arena_bytes: int
    operators: tuple[CompiledOperator, ...]
    input_bytes: int
    output_bytes: int
    constants_bytes: int
    macs: int
    decisions: Decisions
    push: PushFacts | None = None
    runtime: str = "aot"
    arena_symbol: str = "ppg_model_arena"
