"""Would it fit: an estimate for every board before anything is built, from what built images measured."""

from collections.abc import Sequence

from ppg_deploy.audit.report import AotFacts, BoardFit, TflmFacts
from ppg_deploy.boards import Board

# Images of three networks (12 to 62 operators, both shipped boards, gcc 12.2 -O2) needed 11,836 to 16,508 B of flash
# besides the constants, 42 to 44 B of them per operator: 14 KiB + 48 B per operator is above all three within 3 KiB.
AOT_CODE_BYTES = 14 * 1024
AOT_CODE_BYTES_PER_OPERATOR = 48
# The same images: 1,125 B + 4 B per operator besides arena, input and output, and up to 46 B of alignment and clock.
STATIC_RAM_BYTES = 1200
STATIC_RAM_BYTES_PER_OPERATOR = 4
# TFLM with CMSIS-NN and default registrations: 60,860 to 87,208 B of code and tables on six networks.
TFLM_CODE_BYTES = 92 * 1024

ASSUMPTIONS = (
    f"aot: flash = constants + {AOT_CODE_BYTES:,} B + {AOT_CODE_BYTES_PER_OPERATOR} B per operator of code; "
    f"RAM = arena + input + output + {STATIC_RAM_BYTES:,} B + {STATIC_RAM_BYTES_PER_OPERATOR} B per operator + stack",
    f"tflm: flash = .tflite + {TFLM_CODE_BYTES:,} B of code; RAM = estimated 32-bit arena + {STATIC_RAM_BYTES:,} B "
    "+ stack; scratch buffers of CMSIS-NN come on top",
    "estimates from measured images: ppg-deploy build has the last word",
)


def board_fits(
    boards: Sequence[Board],
    *,
    aot: AotFacts,
    tflm: TflmFacts,
    operators: int,
    port_bytes: int,
    model_bytes: int,
) -> tuple[BoardFit, ...]:
    """One row a board and runtime that takes the model.

    Args:
        boards: boards to compare with.
        aot: sizes of the generated C, if it can be generated.
        tflm: arena of TFLM, if it was measured.
        operators: number of operators.
        port_bytes: bytes of all inputs and outputs.
        model_bytes: size of the .tflite file.
    """
    rows = []
    for board in boards:
        if aot.arena_bytes is not None and aot.constant_bytes is not None:
            flash = aot.constant_bytes + AOT_CODE_BYTES + AOT_CODE_BYTES_PER_OPERATOR * operators
            ram = aot.arena_bytes + port_bytes + STATIC_RAM_BYTES + STATIC_RAM_BYTES_PER_OPERATOR * operators
            rows.append(_row(board, "aot", flash, ram))
        if tflm.arena_32bit_estimate_bytes is not None:
            ram = tflm.arena_32bit_estimate_bytes + STATIC_RAM_BYTES
            rows.append(_row(board, "tflm", model_bytes + TFLM_CODE_BYTES, ram))
    return tuple(rows)


def _row(board: Board, runtime: str, flash: int, ram: int) -> BoardFit:
    ram += board.stack_bytes
    flash_limit, ram_limit = board.code_memory.size_bytes, board.data_memory.size_bytes
    return BoardFit.model_validate(
        {
            "board": board.id,
            "runtime": runtime,
            "flash_bytes": flash,
            "flash_limit_bytes": flash_limit,
            "ram_bytes": ram,
            "ram_limit_bytes": ram_limit,
            "fits": flash <= flash_limit and ram <= ram_limit,
        }
    )
