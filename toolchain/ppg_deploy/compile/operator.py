"""What became of one operator."""

from dataclasses import dataclass


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
