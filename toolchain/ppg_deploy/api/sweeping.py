"""sweep_matrix(); `sweep` compares calibration methods and lives with `quantize`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ppg_deploy.api.names import DEFAULT_OUT, ignore_line, ignore_progress
from ppg_deploy.config import load_config

if TYPE_CHECKING:
    from ppg_deploy.benching import Progress
    from ppg_deploy.matrix import MatrixReport


def sweep_matrix(
    sweep_file: Path,
    *,
    out: Path = DEFAULT_OUT,
    jobs: int | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    progress: "Progress" = ignore_progress,
    say: Callable[[str], None] = ignore_line,
) -> "MatrixReport":
    """Models x boards x runtimes x optimisation levels: OUT/sweep/<name>/sweep.json, pareto.svg and pareto.png.

    What an earlier call finished is not run again. Each point has a folder of its own, with its results folder.

    Args:
        sweep_file: what to combine; see docs/sweep.md.
        out: folder of the results.
        jobs: processes at a time on this machine; one for each core by default.
        engine: "local", or "dask" for the points.
        scheduler: address of dask's scheduler, like tcp://host:8786.
        progress: called after each point with (done, total).
        say: called with a line about each model and point that ends.

    Raises:
        PpgDeployError: the file is wrong, another process runs the same sweep, or the scheduler does not answer.
            Failed points are not an error here: they are in the report, with their reasons.
    """
    from ppg_deploy.matrix import run_matrix

    return run_matrix(
        sweep_file,
        out=out,
        jobs=jobs,
        engine=engine,
        scheduler=scheduler,
        tflm_dir=load_config(Path.cwd()).tflm.dir,
        progress=progress,
        say=say,
    )
