"""ppg-deploy tflm."""

from pathlib import Path
from typing import Annotated

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import Json, Quiet, Verbose
from ppg_deploy.errors import InputError

app = typer.Typer(name="tflm", help="Sources of TensorFlow Lite Micro.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Sources of TensorFlow Lite Micro: for build --runtime tflm."""


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Tree made with create_tflm_tree.py; default: [tflm] dir of ppg.toml, else $PPG_TFLM_DIR.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say whether a tree of TFLM's sources is complete, and which kernels it has."""
    from ppg_deploy.config import load_config
    from ppg_deploy.tflm import check_tree, find_tree
    from ppg_deploy.tflm.tree import HOW_TO_GET_A_TREE

    output = Output(quiet, verbose, as_json)
    report = check_tree(find_tree(folder, load_config(Path.cwd()).tflm.dir))
    output.json(report.model_dump_json(indent=2))
    if report.problems:
        for problem in report.problems:
            output.warning(problem)
        count = len(report.problems)
        raise InputError(
            f"{report.folder} is no complete tree of TFLM ({count} problem{'s' * (count > 1)})",
            hint=f"make one so:\n{HOW_TO_GET_A_TREE}",
        )
    output.table(
        f"{report.folder}: complete",
        ("", "value"),
        [
            ("kernels", "CMSIS-NN" if report.uses_cmsis_nn else "reference (slow: no CMSIS-NN)"),
            (
                "files of kernels: CMSIS-NN / reference",
                f"{len(report.cmsis_nn_kernels)} / {len(report.reference_kernels)}",
            ),
            ("operators of the resolver", number(report.methods)),
            ("registrations for int8 or int16 alone", number(len(report.narrow_registrations))),
            ("sources to compile / headers", f"{report.sources:,} / {report.headers:,}"),
            ("fingerprint", report.fingerprint[:16]),
        ],
    )
    if verbose:
        output.note(f"CMSIS-NN: {', '.join(report.cmsis_nn_kernels) or 'none'}")
        output.note(f"reference: {', '.join(report.reference_kernels)}")
        output.note(f"registrations: {', '.join(report.narrow_registrations)}")
