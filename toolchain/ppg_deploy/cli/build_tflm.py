"""ppg-deploy build --runtime tflm, and the table of both runtimes."""

from typing import TYPE_CHECKING

from ppg_deploy.cli.console import Output, number

if TYPE_CHECKING:
    from ppg_deploy.building import BuildResult
    from ppg_deploy.report import Report, Spread
    from ppg_deploy.tflm.step import TflmOutcome


def print_size(output: Output, title: str, result: "BuildResult") -> None:
    """Flash and RAM by part and, with --verbose, by section."""
    size = result.size
    limits = size.limits
    output.table(
        title,
        ("part", "flash, B", "RAM, B"),
        [
            *((part.name, number(part.flash_bytes), number(part.ram_bytes)) for part in size.by_part),
            ("total", number(size.flash_bytes), number(size.ram_bytes)),
            (
                f"of {limits.flash_region} and {limits.ram_region}",
                f"{size.flash_bytes / limits.flash_bytes:.1%}",
                f"{size.ram_bytes / limits.ram_bytes:.1%}",
            ),
        ],
    )
    if output.verbose:
        output.table(
            "sections",
            ("section", "flash, B", "RAM, B"),
            [(part.name, number(part.flash_bytes), number(part.ram_bytes)) for part in size.by_section],
        )


def print_tflm(output: Output, outcome: "TflmOutcome") -> None:
    """Sizes, kernels and arena of a build with TFLM."""
    print_size(output, f"{outcome.project.board.name}: {outcome.result.elf}", outcome.result)
    report, model = outcome.tree.report, outcome.model
    if not report.uses_cmsis_nn:
        output.warning(f"{report.folder} has no CMSIS-NN: its reference kernels are several times slower")
    if output.verbose:
        calls = (f"{call.method}({call.registration or ''})" for call in model.calls)
        output.note(f"resolver: {', '.join(calls)}")
    arena = "given" if model.arena is None else model.arena.explanation
    output.note(f"arena {model.sources.arena_bytes:,} bytes: {arena}")
    output.note(
        f"runtime tflm, kernels of {'CMSIS-NN' if report.uses_cmsis_nn else 'TFLM (reference)'}, "
        f"{outcome.result.compiler_version}, built in {outcome.result.wall_s:.1f} s"
    )


def print_comparison(output: Output, aot: "Report", tflm: "Report") -> None:
    """Both runtimes side by side: the same board, model and windows."""

    def row(name: str, first: float | None, second: float | None) -> tuple[str, str, str, str]:
        ratio = "-" if not first or second is None else f"{second / first:.2f}"
        return name, number(first), number(second), ratio

    def median(spread: "Spread | None") -> float | None:
        return None if spread is None else spread.median

    costs, memories = (aot.cost, tflm.cost), (aot.memory, tflm.memory)
    equal = [f"{r.outputs.compared - r.outputs.mismatched:,} of {r.outputs.compared:,}" for r in (aot, tflm)]
    rows = [
        ("windows equal to the golden reference", equal[0], equal[1], ""),
        row("instructions per window, median", *(median(cost.instructions) for cost in costs)),
        row("cycles_estimated, median", *(median(cost.cycles_estimated) for cost in costs)),
        row("cycles measured, median", *(median(cost.cycles) for cost in costs)),
        row("flash, B", *(memory.flash for memory in memories)),
        row("of these, model constants, B", *(memory.flash_constants for memory in memories)),
        row("arena, B", *(memory.arena for memory in memories)),
        row("RAM static, B", *(memory.ram_static for memory in memories)),
        row("stack high water, B", *(memory.stack_high_water for memory in memories)),
    ]
    output.table(
        f"{aot.model.name} on {aot.board}: aot against tflm",
        ("", "aot", "tflm", "tflm / aot"),
        [line for line in rows if line[1:3] != ("-", "-")],
    )
    if tflm.firmware.library is not None:
        output.note(tflm.firmware.library)
