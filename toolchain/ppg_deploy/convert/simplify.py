"""Reading an ONNX file and folding its constants with onnxruntime's basic optimisations."""

import tempfile
from pathlib import Path
from typing import Any

from ppg_deploy.errors import InputError, UnsupportedModelError

_MAX_FILE_BYTES = 256 * 1024 * 1024


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
    return model


def simplify(model: Any, path: Path) -> Any:
    """Batch 1, constants folded, static shapes inferred; returns a new onnx.ModelProto.

    Raises:
        InputError: onnxruntime cannot load the model.
        UnsupportedModelError: several inputs or outputs, or a dynamic axis besides the batch.
    """
    import onnx
    import onnxruntime

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    _fix_batch(fixed, path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(folded)
        try:
            onnxruntime.InferenceSession(
                fixed.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        # onnxruntime's exceptions share no base class but Exception.
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{path}: onnxruntime cannot load it: {reason}",
                hint="export the model with standard operators",
            ) from error
        result = onnx.load(folded)
    return onnx.shape_inference.infer_shapes(result, data_prop=True)


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
