"""ppg-deploy report."""

from pathlib import Path
from typing import Annotated

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import Out, Quiet, Verbose


def report(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RESULT]...",
            help="Folders of OUT/results, or a result.json; the newest of OUT/results by default.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="The page; default: OUT/report.html.", show_default=False
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the headline table in Markdown, too.")
    ] = False,
    out: Out = Path("build"),
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make one page of HTML from results: figures, pictures, heart rate, conditions. It needs no network."""
    from ppg_deploy import api

    output = Output(quiet, verbose, False)
    page = api.report(results or (), out=out, html=html)
    if markdown:
        typer.echo(page.markdown, nl=False)
    output.note(f"{page.path}: {len(page.results)} result{'s' if len(page.results) > 1 else ''}")
