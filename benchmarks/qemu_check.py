"""Counts the same firmware under unicorn and under QEMU: prints both, and fails when they differ by 0.1 % or more.

    python -m benchmarks.qemu_check [--models NAME,...] [--modes MODE,...] [--save]

unicorn counts basic blocks between entry and return of the model; QEMU's figure is the firmware's own reading of its
SysTick timer under -icount shift=0, whose tick is about six instructions, with the call around it. The two share
ancestry: this checks the counting, not what an instruction does. What it does is checked by comparing output bytes.
"""

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.arguments import table_parser, wished
from benchmarks.counting import WINDOWS, Mode
from benchmarks.emulated_cost import aligned
from benchmarks.models import REPOSITORY, Model, write_windows
from ppg_deploy import api

BOARD = "netduinoplus2"
LARGEST_DIFFERENCE = 0.001
SAVED = REPOSITORY / "benchmarks" / "qemu.txt"


@dataclass(frozen=True)
class Comparison:
    """Instructions of one inference, medians over the same windows, and windows with differing bytes."""

    unicorn: float
    qemu: float
    mismatched: int

    @property
    def difference(self) -> float:
        """Relative to unicorn's exact count."""
        return self.qemu / self.unicorn - 1


def compare(model: Model, mode: Mode) -> Comparison:
    """Build once, run in both emulators."""
    with tempfile.TemporaryDirectory(prefix="ppg-qemu-") as temporary:
        folder = Path(temporary)
        tflite = model.write(folder)
        data = folder / "streamed.npz"
        write_windows(tflite, WINDOWS, data)
        out = folder / "built"
        api.build(board=BOARD, out=out, model=tflite, optimize=mode)
        reports = [api.bench(out=out, emulator=name, data=data) for name in ("unicorn", "qemu")]
    counts = [report.cost.instructions for report in reports]
    assert counts[0] is not None
    assert counts[1] is not None
    return Comparison(
        counts[0].median, counts[1].median, sum(report.outputs.mismatched for report in reports)
    )


def main() -> None:
    """Print the table."""
    parser = table_parser("python -m benchmarks.qemu_check", __doc__.split("\n")[0], ["balanced"], SAVED)
    arguments = parser.parse_args()
    models, modes = wished(parser, arguments)
    cases = [(model, mode) for model in models for mode in modes]
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(compare, *zip(*cases, strict=True)))
    rows = [("model", "mode", "unicorn", "QEMU", "difference", "differing")]
    rows += [
        (
            model.name,
            mode,
            f"{one.unicorn:,.0f}",
            f"{one.qemu:,.0f}",
            f"{one.difference:+.4%}",
            f"{one.mismatched}",
        )
        for (model, mode), one in zip(cases, found, strict=True)
    ]
    title = f"Instructions of one inference on {BOARD}, median of {WINDOWS} windows; differing output windows"
    text = "\n".join([title, "", *aligned(rows), ""])
    print(text)
    if arguments.save:
        SAVED.write_text(text, encoding="utf-8")
    if any(abs(one.difference) >= LARGEST_DIFFERENCE or one.mismatched for one in found):
        sys.exit(f"a difference of {LARGEST_DIFFERENCE:.1%} or more, or other bytes")


if __name__ == "__main__":
    main()
