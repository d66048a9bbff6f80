"""Entry point: the commands, and how errors become messages and exit codes."""

import os
import sys
from typing import Annotated

import typer

from ppg_deploy.cli.bench import bench
from ppg_deploy.cli.boards import boards
from ppg_deploy.cli.build import build
from ppg_deploy.cli.compare import compare
from ppg_deploy.cli.doctor import doctor
from ppg_deploy.cli.flash import flash
from ppg_deploy.cli.inspect import inspect
from ppg_deploy.cli.quantize import quantize
from ppg_deploy.cli.report import report
from ppg_deploy.cli.sweep import sweep
from ppg_deploy.cli.tflm import app as tflm
from ppg_deploy.errors import InternalError, PpgDeployError

app = typer.Typer(
    name="ppg-deploy",
    help="From an ONNX heart-rate student to verified int8 firmware on a microcontroller, measured.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(quantize)
app.command()(build)
app.command()(bench)
app.command()(report)
app.command()(compare)
app.command()(sweep)
app.command()(inspect)
app.command()(flash)
app.command()(doctor)
app.add_typer(boards, name="boards")
app.add_typer(tflm)

_INTERRUPTED = 130


def _show_version(wanted: bool) -> None:
    if wanted:
        from ppg_deploy import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Root of the command line."""


def run() -> None:
    """Run the command line. Exit codes are those of ppg_deploy.errors; see docs/errors.md."""
    # One thread is as fast for networks of this size, sums in the same order on every machine, and does not spin
    # for a core that somebody else uses. Numpy reads this when it is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app()
    except PpgDeployError as error:
        sys.exit(_report(error))
    except KeyboardInterrupt:
        typer.secho("interrupted", err=True)
        sys.exit(_INTERRUPTED)
    # Whatever else gets here is a bug of ours; the user gets a message, and the traceback only on request.
    except Exception as error:
        if {"-v", "--verbose"} & set(sys.argv):
            raise
        sys.exit(
            _report(
                InternalError(
                    f"{type(error).__name__}: {error}",
                    hint="this is a bug; run again with --verbose and report what it prints",
                )
            )
        )


def _report(error: PpgDeployError) -> int:
    typer.secho(f"error: {error.message}", fg=typer.colors.RED, err=True)
    typer.secho(f"hint: {error.hint}", err=True)
    return error.exit_code
