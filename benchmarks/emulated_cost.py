"""What one inference costs under unicorn, models by modes: prints a table, asserts nothing.

    python -m benchmarks.emulated_cost [MODEL.tflite ...] [--models NAME,...] [--modes MODE,...] [--save]

Without models: the demo students, the students of ../shared when they are there, and generated networks. Models on the
command line may be anybody's int8 .tflite. Every output byte is compared with TFLM's interpreter.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from benchmarks.arguments import table_parser, wished
from benchmarks.counting import BOARD, CALIBRATED_MODEL, CORE_MODEL, MODES, WINDOWS, Mode, Row, count
from benchmarks.models import REPOSITORY, Model, given_model

SAVED = REPOSITORY / "benchmarks" / "latest.txt"
_COLUMNS = (
    *("model", "mode", "MAC", "instructions", "cycles_estimated", "cycles/MAC", "TFLM", "times fewer"),
    *(
        "predicted L4R5",
        "arena",
        "TFLM arena",
        "stack",
        "code",
        "constants",
        "TFLM flash",
        "image",
        "differing",
    ),
)
_LEGEND = f"""\
One inference on {BOARD}, emulated by unicorn: nothing here was measured on silicon.

instructions      exact count, median of {WINDOWS} windows
cycles_estimated  {CORE_MODEL}: flash and RAM without wait states, a lower bound
TFLM              cycles/MAC of TFLM with CMSIS-NN at -O2 by the same timing model (benchmarks/peers.py); "times fewer"
                  divides it by ours. The shapes behind its residual-6, mobilenet-1d and microresnet are not known, only
                  their MACs, which are the same here
predicted L4R5    cycles by {CALIBRATED_MODEL}: STM32L4R5 at 120 MHz and nothing else, see docs/timing-model.md
arena, stack      bytes of RAM; input and output apart, which TFLM's arena holds as well
code, constants   bytes of flash for the model and its kernels; "TFLM flash" is TFLM's code and read-only data, with a
                  harness of 1 to 2 kB, and the .tflite file; image: everything, application and protocol included
differing         windows with any output byte other than TFLM's interpreter
ic-, kws-, vww-, ad-   operators and shapes of MLPerf Tiny, weights of our own: no MLPerf Tiny results
"""


def cells(model: Model, mode: Mode, row: Row) -> list[str]:
    """One row of the table."""
    per_mac = row.cycles_estimated / row.macs
    peer = model.peer
    return [
        model.name,
        mode,
        f"{row.macs:,}",
        f"{row.instructions:,}",
        f"{row.cycles_estimated:,}",
        f"{per_mac:.3f}",
        "-" if peer is None else f"{peer.cycles_per_mac:.2f}",
        "-" if peer is None else f"{peer.cycles_per_mac / per_mac:.2f}",
        f"{row.cycles_predicted:,}",
        f"{row.arena:,}",
        "-" if peer is None else f"{peer.arena:,}",
        f"{row.stack:,}",
        f"{row.code:,}",
        f"{row.constants:,}",
        "-" if peer is None else f"{peer.code + peer.model:,}",
        f"{row.image:,}",
        f"{row.mismatched} of {row.windows}",
    ]


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, a rule under the first; the first two columns to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        parts = [
            part.ljust(width) if column < 2 else part.rjust(width)
            for column, (part, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(parts).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def counted(models: Sequence[Model], modes: Sequence[Mode], jobs: int) -> dict[tuple[str, Mode], Row | str]:
    """Figures, or why there are none, by model and mode; progress goes to standard error."""
    results: dict[tuple[str, Mode], Row | str] = {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        tasks = {pool.submit(count, model, mode): (model.name, mode) for model in models for mode in modes}
        for done, task in enumerate(as_completed(tasks), start=1):
            name, mode = tasks[task]
            results[name, mode] = task.result()
            print(f"{done}/{len(tasks)} {name}, {mode}", file=sys.stderr, flush=True)
    return results


def report(models: Sequence[Model], modes: Sequence[Mode], jobs: int) -> str:
    """The whole text."""
    results = counted(models, modes, jobs)
    lines: list[list[str]] = [list(_COLUMNS)]
    failures, versions = [], {}
    for model in models:
        for mode in modes:
            row = results[model.name, mode]
            if isinstance(row, str):
                failures.append(f"{model.name}, {mode}: {row}")
            else:
                lines.append(cells(model, mode, row))
                versions = row.versions
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join([_LEGEND, *aligned(lines), *failures, "", f"versions: {named}", ""])


def main() -> None:
    """Print the table."""
    parser = table_parser("python -m benchmarks.emulated_cost", __doc__.split("\n")[0], MODES, SAVED)
    parser.add_argument("tflite", nargs="*", type=Path, help="int8 .tflite files instead of the known models")
    arguments = parser.parse_args()
    models, modes = wished(parser, arguments)
    chosen = [given_model(path) for path in arguments.tflite] or models
    text = report(chosen, modes, arguments.jobs)
    print(text)
    if arguments.save:
        SAVED.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
