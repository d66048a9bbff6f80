"""Reading an ONNX file and folding its constants with onnxruntime's basic optimisations."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.limits import check_constants, check_values
from ppg_deploy.errors import InputError, UnsupportedModelError

_MAX_FILE_BYTES = 256 * 1024 * 1024
# Pad_Fusion moves zero padding into a maximum pool as if it padded with minus infinity (seen in onnxruntime 1.31).
# TransposeOptimizer pushes transposes into the middle of layer norms, which are then no longer recognised; layouts
# are followed here anyway.
_DISABLED_OPTIMISERS = ["Pad_Fusion", "TransposeOptimizer"]
_MAX_FOLDING_PASSES = 3


def load_onnx(path: Path) -> Any:
    """The onnx.ModelProto of a file, external weights included. The file is only read.

    Raises:
        InputError: no such file, truncated or otherwise not a valid ONNX model.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="give the ONNX file that torch.onnx.export wrote")
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than 256 MiB", hint="export the student, not the teacher")
    export_hint = "export the model again with torch.onnx.export"
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, ValueError, onnx.checker.ValidationError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path} is not a valid ONNX model: {reason}", hint=export_hint) from error
    except OSError as error:
        raise InputError(
            f"{path}: its external weights cannot be read: {error}",
            hint="keep the .onnx.data file beside the .onnx file",
        ) from error
    if not model.graph.node:
        raise InputError(f"{path} holds no operators", hint=export_hint)
    check_constants(model, path)
    return model


def with_single_batch(model: Any, path: Path) -> Any:
    """A copy of the onnx.ModelProto with batch 1.

    Raises:
        UnsupportedModelError: several inputs or outputs, a dynamic axis besides the batch, or a value too large for
            any board. InputError: shapes that contradict each other.
    """
    import onnx

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    _fix_batch(fixed, path)
    check_values(fixed, path)
    return fixed


def simplify(model: Any, path: Path) -> Any:
    """Constants folded, static shapes inferred; returns a new onnx.ModelProto.

    Raises:
        InputError: onnxruntime cannot load the model.
    """
    import onnx

    folded = _optimised(model, path)
    # Operators that onnxruntime expands into simpler ones (CastLike) leave constants for another pass.
    for _ in range(_MAX_FOLDING_PASSES):
        if not _has_constant_operators(folded):
            break
        folded = _optimised(folded, path)
    return onnx.shape_inference.infer_shapes(folded, data_prop=True)


def _optimised(model: Any, path: Path) -> Any:
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(folded)
        try:
            onnxruntime.InferenceSession(
                model.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_DISABLED_OPTIMISERS,
            )
        # onnxruntime's exceptions share no base class but Exception.
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{path}: onnxruntime cannot load it: {reason}",
                hint="export the model with standard operators",
            ) from error
        return onnx.load(folded)


def _has_constant_operators(model: Any) -> bool:
    """True when an operator reads nothing but constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return any(node.input and constants.issuperset(filter(None, node.input)) for node in model.graph.node)


def _fix_batch(model: Any, path: Path) -> None:
    initialisers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initialisers]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise UnsupportedModelError(
            f"{path} has {len(inputs)} inputs and {len(model.graph.output)} outputs",
            hint="export a student with exactly one input and one output",
        )
    shape = inputs[0].type.tensor_type.shape
    if not shape.dim:
        raise UnsupportedModelError(
            f"{path}: input {inputs[0].name} has no shape",
            hint="export with an example input of fixed length",
        )
    for axis, dimension in enumerate(shape.dim):
        if axis == 0:
            dimension.ClearField("dim_param")
            dimension.dim_value = 1
        elif dimension.dim_value <= 0:
            raise UnsupportedModelError(
                f"{path}: axis {axis} of input {inputs[0].name} is dynamic",
                hint="only the batch may be dynamic; export with a fixed window length",
            )
    model.graph.output[0].type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def run_onnx(model: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """onnxruntime's answers (N, outputs), one window (N, *input shape without batch) after the other.

    Without optimisations: this is what other results are compared with.

    Raises:
        InputError: onnxruntime loads the model but cannot run it, or it answers with NaN or infinity.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        rows = [np.asarray(session.run(None, {name: window[None]})[0]).reshape(-1) for window in x]
        answers = np.stack(rows).astype(np.float32)
    # onnxruntime's exceptions share no base class but Exception; answers of changing length end in ValueError.
    except Exception as error:
        raise InputError(
            f"onnxruntime cannot run the model: {str(error).strip().splitlines()[0]}",
            hint="export the model again with torch.onnx.export",
        ) from error
    wrong = np.flatnonzero(~np.isfinite(answers).all(axis=1))
    if wrong.size:
        raise InputError(
            f"the float model answers with NaN or infinity to {wrong.size} of {len(x)} windows, "
            f"the first is window {wrong[0]}",
            hint="look for overflow in the model and for windows far outside the training data",
        )
    return answers
