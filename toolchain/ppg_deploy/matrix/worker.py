"""The child process of a sweep: does one job in the current folder.

Run as `python -m ppg_deploy.matrix.worker` in a folder of its own that holds job.json; it leaves outcome.json there.
The folder holds no ppg.toml, so that a sweep depends on nothing but its file.
"""

import shutil
import sys
import time
import traceback
from pathlib import Path

from ppg_deploy import files, handover
from ppg_deploy.child_process import die_with_parent
from ppg_deploy.errors import InternalError, PpgDeployError
from ppg_deploy.matrix.job import JOB, JOB_NAME, OUTCOME_NAME, Outcome, PointJob, QuantizeJob, failed


def main() -> int:
    """Do the job of the current folder; 0 when outcome.json says how it ended."""
    die_with_parent()
    folder = Path.cwd()
    started = time.monotonic()
    try:
        outcome = _do(JOB.validate_json((folder / JOB_NAME).read_bytes()), folder)
    except PpgDeployError as error:
        outcome = failed(error)
    # Whatever else a step raises is a bug of ours, and belongs to this point alone.
    except Exception as error:
        traceback.print_exc()
        outcome = failed(
            InternalError(f"{type(error).__name__}: {error}", hint="this is a bug; log.txt has the traceback")
        )
    outcome = outcome.model_copy(update={"wall_s": round(time.monotonic() - started, 3)})
    files.write_text(folder / OUTCOME_NAME, outcome.model_dump_json(indent=2) + "\n")
    return 0


def _do(job: QuantizeJob | PointJob, folder: Path) -> Outcome:
    return _quantize(job, folder) if isinstance(job, QuantizeJob) else _measure(job, folder)


def _quantize(job: QuantizeJob, folder: Path) -> Outcome:
    from ppg_deploy import api
    from ppg_deploy.quantization import QuantizeSettings

    entry = job.model
    assert entry.onnx is not None
    api.quantize(
        entry.onnx,
        out=folder,
        card=entry.card,
        calibration=entry.calibration,
        data=entry.data,
        settings=QuantizeSettings(
            method=entry.method,
            percentile=entry.percentile,
            bias_correction=entry.bias_correction,
            input_clip=entry.clip_input,
            output_range=entry.output_range,
            int16x8=entry.int16x8,
        ),
        converter=entry.converter,
    )
    return Outcome()


def _measure(job: PointJob, folder: Path) -> Outcome:
    from ppg_deploy import api

    files.write_bytes(folder / handover.MODEL_NAME, job.tflite.read_bytes())
    if job.quantize_json is not None:
        report = handover.load_report(job.quantize_json)
        if job.source is not None:
            # On another machine the ONNX file lies elsewhere than it did when it was quantised.
            report = report.model_copy(
                update={"source": report.source.model_copy(update={"path": str(job.source)})}
            )
        files.write_text(folder / handover.FILE_NAME, report.model_dump_json(indent=2, by_alias=True) + "\n")
    if job.runtime == "tflm":
        api.build_tflm(board=job.board, out=folder, boards_dirs=job.boards_dirs, tflm_dir=job.tflm_dir)
    else:
        api.build(
            board=job.board,
            out=folder,
            boards_dirs=job.boards_dirs,
            optimize=job.optimize,
            hop=job.hop,
            ram_budget=job.ram_budget,
        )
    api.bench(
        out=folder,
        emulator=job.emulator,
        port=job.port,
        data=job.data,
        count=job.count,
        timing_model=job.timing_model,
        sliding=job.hop is not None,
        boards_dirs=job.boards_dirs,
    )
    # Objects and libraries of the build, several times the size of everything else; build makes them again.
    shutil.rmtree(folder / api.FIRMWARE_FOLDER / ".pio", ignore_errors=True)
    result = (folder / api.REPORT_NAME).resolve().parent
    return Outcome(result=result.relative_to(folder.resolve()).as_posix())


if __name__ == "__main__":
    sys.exit(main())
