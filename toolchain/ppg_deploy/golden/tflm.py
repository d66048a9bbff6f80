"""TensorFlow Lite Micro's host interpreter (package tflite-micro, Linux x86-64)."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

from ppg_deploy.errors import EnvironmentProblem, UnsupportedModelError
from ppg_deploy.graph.quantized_reference import Codes


@contextlib.contextmanager
def _captured_stderr() -> Iterator[list[str]]:
    """TFLM writes its error messages to file descriptor 2 from C++; collect them instead of showing them."""
    lines: list[str] = []
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            lines.extend(sink.read().decode(errors="replace").splitlines())


class TflmInterpreter:
    """Runs an int8 or int16x8 .tflite in TFLM's reference kernels.

    Args:
        model: contents of the .tflite file.

    Raises:
        EnvironmentProblem: the package tflite-micro is not installed.
        UnsupportedModelError: TFLM refuses the model.
    """

    def __init__(self, model: bytes) -> None:
        try:
            from tflite_micro import runtime
        except ImportError as error:
            raise EnvironmentProblem(
                "the TFLM host interpreter is not installed",
                hint="pip install 'ppg-deploy[golden]' (Linux x86-64 only)",
            ) from error
        with _captured_stderr() as lines:
            try:
                self._interpreter = runtime.Interpreter.from_bytes(
                    model, arena_size=len(model) * 10 + (4 << 20)
                )
            except RuntimeError as error:
                failure: RuntimeError | None = error
            else:
                failure = None
        if failure is not None:
            raise UnsupportedModelError(
                f"TFLM refuses the model: {failure}; {' '.join(lines)}",
                hint="quantise the model to int8 with operators that TFLM has",
            )
        self._input_shape = tuple(self._interpreter.get_input_details(0)["shape"])
        self._output_dtype: np.dtype[np.signedinteger] = np.dtype(
            self._interpreter.get_output_details(0)["dtype"]
        )

    @property
    def description(self) -> str:
        """Name and version for reports."""
        return f"tflite-micro {version('tflite-micro')}"

    def run(self, windows: Codes) -> Codes:
        """Outputs (N, output elements) for windows (N, *input shape without batch), in the model's own types."""
        outputs = []
        for window in windows:
            # An LSTM keeps its state from one invocation to the next; every window starts from zero state.
            self._interpreter.reset()
            self._interpreter.set_input(window.reshape(self._input_shape), 0)
            self._interpreter.invoke()
            outputs.append(np.array(self._interpreter.get_output(0), self._output_dtype).reshape(-1))
        return np.stack(outputs)
