"""The parent's side of the second route: hands files to worker.py and takes its answer, or its last words.

TensorFlow takes about 650 MB and 5 s, prints past Python, ends in sys.exit() or in a crash, and answers with other
bytes when a process converts twice. So it gets a fresh process and a temporary folder for each model.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import EnvironmentProblem, UnsupportedModelError
from ppg_deploy.onnx2tf_route import worker

Floats = NDArray[np.float32]
TIME_LIMIT_S = 600.0

_PACKAGES = ("tensorflow", "tf_keras", "onnx2tf", "onnx_graphsurgeon", "sng4onnx", "psutil")
_LOG = "log.txt"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_REASON = 300
_HINT = "use --converter direct, or change the model where the message points"


@dataclass(frozen=True)
class Onnx2tfModel:
    """What the worker made.

    Attributes:
        tflite: int8 model, int8 input and output.
        input_axes: order of the ONNX input's axes in the model's input.
        float_outputs: float answers of TensorFlow (min(N, CHECK_WINDOWS), outputs) before quantisation.
        seconds: wall-clock time of the worker, imports included.
        peak_bytes: its largest resident memory.
        versions: package -> version.
    """

    tflite: bytes
    input_axes: tuple[int, ...]
    float_outputs: Floats
    seconds: float
    peak_bytes: int
    versions: Mapping[str, str]


def missing_packages() -> tuple[str, ...]:
    """Packages of the [tf] extra that this Python cannot import; nothing is imported."""
    return tuple(name for name in _PACKAGES if find_spec(name) is None)


def convert_with_onnx2tf(
    model: bytes, x: Floats, source: Path, *, time_limit_s: float = TIME_LIMIT_S
) -> Onnx2tfModel:
    """Convert and quantise one model.

    Args:
        model: serialised ONNX model with batch 1 and static shapes.
        x: calibration windows (N, *ONNX input shape without batch) as the model takes them.
        source: the user's file, for messages; never opened.
        time_limit_s: after this many seconds the worker is killed.

    Raises:
        EnvironmentProblem: the packages of the [tf] extra are not installed.
        UnsupportedModelError: onnx2tf or TensorFlow failed on the model, crashed or did not finish.
    """
    missing = missing_packages()
    if missing:
        raise EnvironmentProblem(
            f"--converter onnx2tf needs packages that are not installed: {', '.join(missing)}",
            hint='pip install "ppg-deploy[tf]" (2.2 GB), or use --converter direct',
        )
    with tempfile.TemporaryDirectory(prefix="ppg-onnx2tf-") as name:
        folder = Path(name)
        (folder / worker.MODEL).write_bytes(model)
        np.save(folder / worker.WINDOWS, x.astype(np.float32))
        started = time.monotonic()
        status = _run(folder, time_limit_s)
        seconds = time.monotonic() - started
        if status is None:
            raise UnsupportedModelError(
                f"{source}: onnx2tf did not finish within {time_limit_s:g} s", hint=_HINT
            )
        if status != 0 or not (folder / worker.RESULT).is_file():
            raise UnsupportedModelError(
                f"{source}: onnx2tf cannot convert it: {_reason(folder, status)}", hint=_HINT
            )
        facts = json.loads((folder / worker.RESULT).read_text())
        return Onnx2tfModel(
            tflite=(folder / worker.TFLITE).read_bytes(),
            input_axes=worker.nhwc_axes(x.ndim),
            float_outputs=np.load(folder / worker.FLOAT_OUTPUTS),
            seconds=round(seconds, 1),
            peak_bytes=1024 * int(facts["peak_kib"]),
            versions=facts["versions"],
        )


def _run(folder: Path, time_limit_s: float) -> int | None:
    """Exit status of the worker, negative for a signal; None when it ran out of time."""
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            # By path and without that path in sys.path: it also works where ppg_deploy is not installed.
            [sys.executable, "-P", worker.__file__],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _reason(folder: Path, status: int) -> str:
    """The worker's last meaningful words."""
    said = folder / worker.ERROR
    error = _lines(said)
    # sys.exit(1) says nothing; onnx2tf printed the reason before it.
    if error and not error[0].startswith("SystemExit"):
        return error[0][:_LONGEST_REASON]
    log = _lines(folder / _LOG)
    if status < 0:
        return f"its process died of {signal.Signals(-status).name}"
    errors = [line for line in log if "error" in line.lower()]
    return (errors or log or [f"exit status {status}"])[-1][:_LONGEST_REASON]


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    text = _COLOUR.sub("", path.read_text(encoding="utf-8", errors="replace"))
    return [line.strip() for line in text.splitlines() if line.strip()]
