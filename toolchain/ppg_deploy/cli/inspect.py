"""ppg-deploy inspect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import BoardsDir, Json, Quiet, Verbose

if TYPE_CHECKING:
    from ppg_deploy.audit import AuditReport


def inspect(
    model: Annotated[Path, typer.Argument(help="Any .tflite file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for inspect.json; none by default.", file_okay=False)
    ] = None,
    boards_dir: BoardsDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Audit any .tflite file: what would not run or answer wrongly, what it costs, which boards it fits."""
    from ppg_deploy import api
    from ppg_deploy.audit import require_sound

    output = Output(quiet, verbose, as_json)
    report = api.inspect(model, out=out, boards_dirs=boards_dir or ())
    output.json(report.model_dump_json(indent=2))
    if output.is_human:
        _print(report, output)
    require_sound(report)


def _print(report: "AuditReport", output: Output) -> None:
    kinds: dict[str, int] = {}
    for row in report.operators:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    ports = [("input", port) for port in report.inputs] + [("output", port) for port in report.outputs]
    tflm = report.tflm
    output.table(
        report.path,
        ("", "value"),
        [
            *((where, f"{port.type} {' x '.join(map(str, port.shape))}") for where, port in ports),
            ("operators", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))),
            ("MACs", number(report.macs)),
            ("model / constants, B", f"{report.model_bytes:,} / {report.constant_bytes:,}"),
            ("arena of aot, B", number(report.aot.arena_bytes)),
            ("arena of TFLM on this host, B", number(tflm.arena_host_bytes)),
            ("arena of TFLM on 32 bits, estimate, B", number(tflm.arena_32bit_estimate_bytes)),
        ],
    )
    output.table(
        "boards (estimates)",
        ("board", "runtime", "flash, B", "of", "RAM, B", "of", "fits"),
        [
            (
                fit.board,
                fit.runtime,
                number(fit.flash_bytes),
                number(fit.flash_limit_bytes),
                number(fit.ram_bytes),
                number(fit.ram_limit_bytes),
                "yes" if fit.fits else "NO",
            )
            for fit in report.boards
        ],
    )
    if output.verbose:
        output.table(
            "operators",
            ("operator", "output", "MACs", "constants, B", "TFLM", "aot"),
            [
                (
                    f"{row.index} {row.kind} {row.output}",
                    " x ".join(map(str, row.output_shape)),
                    number(row.macs),
                    number(row.constant_bytes),
                    "yes" if row.in_tflm else "NO",
                    "yes" if row.in_aot else "NO",
                )
                for row in report.operators
            ],
        )
        for assumption in report.assumptions:
            output.note(assumption)
    for finding in report.findings:
        if output.verbose or finding.severity.value != "info":
            output.note(f"{finding.severity.value}: [{finding.code}] {finding.message}\n  {finding.hint}")
    output.note(f"audit: {report.verdict}")
