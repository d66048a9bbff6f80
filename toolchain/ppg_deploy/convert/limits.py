"""What an ONNX file may ask for: finite numbers, and sizes that some microcontroller could hold by far.

A few bytes can ask for terabytes (ConstantOfShape, pads, a dimension), so sizes are checked before anything is
allocated or handed to onnxruntime.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppg_deploy.errors import InputError, UnsupportedModelError

if TYPE_CHECKING:
    from ppg_deploy.graph import Graph

# Elements of an activation: 4 MB as int8, more than any supported board has.
MAX_ACTIVATION = 1 << 22
# Elements of a constant: 256 MiB of float32, the largest file that is read.
MAX_CONSTANT = 1 << 26
_EXPORT = "export the model again with torch.onnx.export"


def too_large(what: str, elements: int) -> UnsupportedModelError:
    """The error for a tensor that nothing could hold."""
    return UnsupportedModelError(
        f"{what} would have {elements:,} elements", hint="no supported board can hold such a model"
    )


def check_constants(model: Any, path: Path) -> None:
    """Refuse weights and attributes that are not finite numbers, or whose sizes contradict their contents.

    Args:
        model: onnx.ModelProto, external weights loaded.
        path: names the file in messages.

    Raises:
        InputError: naming the initializer or the operator.
    """
    for tensor in model.graph.initializer:
        _check_tensor(tensor, f"initializer {tensor.name}", path)
    for node in model.graph.node:
        for attribute in node.attribute:
            where = f"attribute {attribute.name} of {node.op_type} ({node.name or node.output[:1]})"
            if attribute.HasField("t"):
                _check_tensor(attribute.t, where, path)
            if not all(math.isfinite(value) for value in (attribute.f, *attribute.floats)):
                raise InputError(f"{path}: {where} is not a finite number", hint=_EXPORT)


def _check_tensor(tensor: Any, where: str, path: Path) -> None:
    import numpy as np
    from onnx import numpy_helper

    elements = math.prod(tensor.dims)
    if min(tensor.dims, default=0) < 0 or elements > MAX_CONSTANT:
        raise InputError(f"{path}: {where} has the impossible shape {list(tensor.dims)}", hint=_EXPORT)
    try:
        values = numpy_helper.to_array(tensor)
    # Wrong type numbers and lengths make onnx raise almost anything.
    except Exception as error:
        raise InputError(f"{path}: {where} cannot be read: {error}", hint=_EXPORT) from error
    if values.dtype.kind not in "fcV":
        return
    with np.errstate(all="ignore"):
        wide = values.astype(np.complex128 if values.dtype.kind == "c" else np.float64).reshape(-1)
    # A single infinity may be the open end of a clamp.
    wrong = np.flatnonzero(np.isnan(wide) if wide.size == 1 else ~np.isfinite(wide))
    if wrong.size:
        raise InputError(
            f"{path}: {where} holds {wrong.size} values that are NaN or infinite, the first at {wrong[0]}",
            hint="the training diverged or the export went wrong; check the weights in PyTorch",
        )


def check_values(model: Any, path: Path) -> None:
    """Refuse models whose intermediate values could not be held, by their inferred shapes.

    Args:
        model: onnx.ModelProto with static input shapes.
        path: names the file in messages.

    Raises:
        InputError: shape inference rejects the model. UnsupportedModelError: a value is too large.
    """
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    # InferenceError, and others from C++ on malformed nodes.
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: its shapes contradict each other: {reason}", hint=_EXPORT) from error
    for name, elements in _sizes(inferred.graph):
        if elements > MAX_ACTIVATION:
            raise too_large(f"{path}: value {name}", elements)


def _sizes(graph: Any) -> Iterator[tuple[str, int]]:
    for value in (*graph.input, *graph.value_info, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        yield value.name, math.prod(dimension.dim_value or 1 for dimension in dimensions)


def check_finite(graph: "Graph", path: Path) -> None:
    """Refuse float graphs whose weights overflowed while constants were folded into them.

    Raises:
        InputError: naming the tensor.
    """
    import numpy as np

    for tensor in graph.tensors.values():
        if tensor.data is not None and not np.isfinite(np.asarray(tensor.data, np.float64)).all():
            raise InputError(
                f"{path}: the weights {tensor.name} leave the range of float32 when the operators around them "
                "are folded",
                hint="look for a batch normalisation with a tiny variance or a huge scale",
            )
