"""What one inference costs under unicorn: prints a table, asserts nothing.

    python -m benchmarks.emulated_cost [MODEL.tflite ...]

Without arguments: the demo student, and the students of ../shared when they are there. Models on the command line
may be anybody's int8 .tflite; they are streamed with seeded random codes, which is enough to count instructions.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ppg_deploy import api
from ppg_deploy.report import Report
from ppg_deploy.tflite import read_tflite

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "students"
BOARD = "nucleo-l476rg"
WINDOWS = 4
# TFLM (2026-08) with CMSIS-NN at -O2, gcc 12.2, counted with the same timing model: shared/reference/kernels.md.
TFLM_CYCLES_PER_MAC = {"pulse_s6": 4.07, "pulse_dev": 4.07, "student": 4.07, "resnet2_dev": 4.02}


def quantized(model: Path, folder: Path) -> Path:
    """Quantise an ONNX student on seeded random windows: right for counting, never for accuracy."""
    from ppg_deploy.convert import convert_onnx

    shape = convert_onnx(model).input_shape[1:]
    windows = folder / "random.npz"
    np.savez(windows, x=np.random.default_rng(0).standard_normal((64, *shape)).astype(np.float32))
    copy = folder / model.name
    copy.write_bytes(model.read_bytes())
    api.quantize(copy, out=folder, calibration=windows)
    return folder / "model.tflite"


def counted(model: Path, folder: Path) -> Report:
    """Build and bench one .tflite."""
    graph = read_tflite(model)
    data = folder / "codes.npz"
    codes = np.random.default_rng(1).integers(-128, 128, (WINDOWS, *graph.input.shape[1:]))
    np.savez(data, x=((codes - graph.input.zero_point) * graph.input.scale).astype(np.float32))
    out = folder / "bench"
    api.build(board=BOARD, out=out, model=model)
    return api.bench(out=out, emulator="unicorn", data=data, count=WINDOWS)


def figures(name: str, report: Report) -> list[str]:
    """One row of the table."""
    cost, memory, macs = report.cost, report.memory, report.model.macs
    assert cost.instructions is not None
    assert cost.cycles_estimated is not None
    cycles = cost.cycles_estimated.median
    tflm = TFLM_CYCLES_PER_MAC.get(name)
    return [
        name,
        f"{macs:,}",
        f"{cost.instructions.median:,.0f}",
        f"{cycles:,.0f}",
        f"{cycles / macs:.2f}",
        "-" if tflm is None else f"{tflm:.2f}",
        f"{memory.arena:,}",
        f"{memory.stack_high_water:,}",
        f"{memory.flash_constants:,}",
        f"{memory.flash_code:,}",
        f"{report.outputs.mismatched}",
    ]


def main() -> None:
    """Print the table."""
    given = [Path(argument) for argument in sys.argv[1:]]
    onnx = [REPOSITORY / "models" / "pulse-demo" / "student.onnx"]
    onnx += [SHARED / f"{name}.onnx" for name in ("pulse_s6", "resnet2_dev")]
    table = Table(title=f"one inference on {BOARD}, unicorn, cortex-m4-zero-wait-state-v1")
    columns = (
        *("model", "MACs", "instructions", "cycles_estimated", "cycles/MAC", "TFLM cycles/MAC"),
        *("arena, B", "stack, B", "constants, B", "code, B", "differing windows"),
    )
    for column in columns:
        table.add_column(column, justify="left" if column == "model" else "right")
    for model in given or [path for path in onnx if path.is_file()]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            tflite = model if model.suffix == ".tflite" else quantized(model, folder)
            table.add_row(*figures(model.stem, counted(tflite, folder)))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
