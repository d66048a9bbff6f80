"""The child process of the second route: the only code of this package that imports TensorFlow.

Run as `python -m ppg_deploy.onnx2tf_route.worker` in a folder of its own, which holds model.onnx (batch 1) and
windows.npy (float32 (N, *input shape without batch)). It leaves model.tflite, float.npy and result.json there, or
error.txt. Everything the packages print goes wherever the parent pointed the file descriptors to.
"""

import json
import os
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODEL, WINDOWS = "model.onnx", "windows.npy"
TFLITE, FLOAT_OUTPUTS, RESULT, ERROR = "model.tflite", "float.npy", "result.json", "error.txt"
CHECK_WINDOWS = 32
PACKAGES = ("tensorflow", "tf_keras", "onnx2tf", "onnx-graphsurgeon", "sng4onnx")

_SAVED_MODEL = "saved_model"
# onnx2tf downloads pictures under this name for inputs that look like pictures, unless the file is there.
_PICTURES = "calibration_image_sample_data_20x128x128x3_float32.npy"


def nhwc_axes(rank: int) -> tuple[int, ...]:
    """Order of the ONNX axes in onnx2tf's input: channels last from three axes on."""
    return (0, 1) if rank == 2 else (0, *range(2, rank), 1)


def _convert(folder: Path) -> None:
    # Before the first import of TensorFlow.
    os.environ |= {"TF_USE_LEGACY_KERAS": "1", "CUDA_VISIBLE_DEVICES": "-1"}
    import onnx
    import onnx2tf
    import tensorflow as tf

    x = np.load(folder / WINDOWS)
    axes = nhwc_axes(x.ndim)
    # One window a call, batch 1, in the order of TensorFlow's input.
    windows = [np.ascontiguousarray(window[None].transpose(axes)) for window in x]
    np.save(folder / _PICTURES, np.random.default_rng(0).random((20, 128, 128, 3), np.float32))
    model = onnx.load(folder / MODEL)
    for number, node in enumerate(model.graph.node):
        node.name = f"n{number}"
    # Without a path there is no file to overwrite and no search for replacement parameters after an error.
    onnx2tf.convert(
        onnx_graph=model,
        output_folder_path=str(folder / _SAVED_MODEL),
        output_signaturedefs=True,
        not_use_onnxsim=True,
        not_use_opname_auto_generate=True,
        non_verbose=True,
    )
    saved = tf.saved_model.load(str(folder / _SAVED_MODEL)).signatures["serving_default"]
    shape = tuple(next(iter(saved.structured_input_signature[1].values())).shape)
    if shape != windows[0].shape:
        raise ValueError(f"onnx2tf made an input of shape {shape}, expected {windows[0].shape}")
    np.save(folder / FLOAT_OUTPUTS, _outputs(saved, windows[:CHECK_WINDOWS]))
    (folder / TFLITE).write_bytes(_quantise(folder, windows))


def _outputs(saved: Any, windows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Float answers (N, outputs) of the SavedModel."""
    import tensorflow as tf

    name = next(iter(saved.structured_input_signature[1]))
    answers = [next(iter(saved(**{name: tf.constant(window)}).values())) for window in windows]
    return np.stack([np.asarray(answer).reshape(-1) for answer in answers]).astype(np.float32)


def _quantise(folder: Path, windows: list[NDArray[np.float32]]) -> bytes:
    """TensorFlow Lite's own full int8 quantisation, calibrated on every window."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / _SAVED_MODEL))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([window] for window in windows)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main() -> int:
    """Convert the model of the current folder; 0 when that worked."""
    folder = Path.cwd()
    try:
        _convert(folder)
    # onnx2tf ends in sys.exit() on many errors, and TensorFlow raises whatever it likes.
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        (folder / ERROR).write_text(f"{type(error).__name__}: {error}")
        return 1
    # Not at the top: the parent imports this file too, and only POSIX has the module.
    import resource

    result = {
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "versions": {name: version(name) for name in PACKAGES},
    }
    (folder / RESULT).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
