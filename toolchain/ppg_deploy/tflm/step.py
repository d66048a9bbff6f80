"""The build step with TFLM as runtime: tree, model, project, image."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import files, handover
from ppg_deploy.tflm.tree import find_tree, open_tree

if TYPE_CHECKING:
    from ppg_deploy.boards import Board
    from ppg_deploy.building import BuildResult
    from ppg_deploy.config import TflmConfig
    from ppg_deploy.eembc import RunnerFiles
    from ppg_deploy.project import Application, Project
    from ppg_deploy.tflm.render import TflmModel
    from ppg_deploy.tflm.tree import TflmTree


@dataclass(frozen=True)
class TflmOutcome:
    """A built firmware project with TFLM. `runner_files` of an EEMBC dialect."""

    project: "Project"
    model: "TflmModel"
    tree: "TflmTree"
    result: "BuildResult"
    runner_files: "RunnerFiles | None" = None


def build_with_tflm(
    *,
    board: "Board",
    application: "Application",
    model: Path,
    folder: Path,
    tflm_dir: Path | None,
    config: "TflmConfig",
    arena_bytes: int | None,
    power: bool,
    verbose: bool,
) -> TflmOutcome:
    """Render and build `model` for `board` into `folder`.

    Args:
        application: what answers the host.
        tflm_dir: tree given on the command line.
        config: [tflm] of ppg.toml.
        arena_bytes: size of the arena given on the command line.
        power: the image can measure power.
        verbose: keep the whole compiler log in errors.

    Raises:
        PpgDeployError: no complete tree, a model that TFLM cannot run, or a failed build.
    """
    from ppg_deploy.building import build_firmware
    from ppg_deploy.project import DEFAULT_FLAGS, POWER_FLAG, render_project
    from ppg_deploy.tflite import read_tflite
    from ppg_deploy.tflm.render import render_model

    tree = open_tree(find_tree(tflm_dir, config.dir))
    graph, tflite = read_tflite(model), model.read_bytes()
    rendered = render_model(
        graph, tflite, tree, arena_bytes=config.arena if arena_bytes is None else arena_bytes
    )
    project = render_project(
        board=board,
        application=application,
        model=rendered.sources,
        folder=folder,
        flags=(*DEFAULT_FLAGS, *((POWER_FLAG,) if power else ())),
    )
    result = build_firmware(project, verbose=verbose)
    # An earlier build of generated C may have left its reasons here.
    (folder / handover.EXPLAIN_NAME).unlink(missing_ok=True)
    files.write_bytes(folder / handover.MODEL_NAME, tflite)
    files.write_text(folder / handover.OPERATORS_NAME, rendered.operators.model_dump_json(indent=2) + "\n")
    return TflmOutcome(project, rendered, tree, result)
