"""The ONNX reader: one converter an operator, in the order of the file."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert import (
    activations,
    attention,
    convolution,
    elementwise,
    gru,
    layer_norm,
    pooling,
    recurrent,
    shaping,
    slicing,
)
from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.convert.cleanup import clean
from ppg_deploy.convert.head import HeadCut, find_head
from ppg_deploy.convert.layout import Layout, LayoutError
from ppg_deploy.convert.limits import check_finite
from ppg_deploy.convert.prepare import needed_nodes, prepare
from ppg_deploy.convert.reading import read_model
from ppg_deploy.convert.simplify import run_onnx
from ppg_deploy.errors import AccuracyError, UnsupportedModelError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_float_output

Floats = NDArray[np.float32]

CONVERTERS: dict[str, Callable[[Node, GraphBuilder], None]] = {
    "Conv": convolution.convert_conv,
    "Gemm": convolution.convert_gemm,
    "MatMul": attention.convert_matmul,
    "MaxPool": pooling.convert_max_pool,
    "AveragePool": pooling.convert_average_pool,
    "GlobalAveragePool": pooling.convert_global_average,
    "ReduceMean": pooling.convert_reduce_mean,
    "BatchNormalization": elementwise.convert_batch_normalization,
    "Add": elementwise.convert_add,
    "Sub": elementwise.convert_sub,
    "Mul": elementwise.convert_mul,
    "Div": elementwise.convert_div,
    "Relu": elementwise.convert_relu,
    "Clip": elementwise.convert_clip,
    "Identity": shaping.convert_identity,
    "Dropout": shaping.convert_identity,
    "Transpose": shaping.convert_transpose,
    "Reshape": shaping.convert_reshape,
    "Flatten": shaping.convert_flatten,
    "Squeeze": shaping.convert_squeeze,
    "Unsqueeze": shaping.convert_unsqueeze,
    "Pad": shaping.convert_pad,
    "LayerNormalization": layer_norm.convert_layer_normalization,
    "Slice": slicing.convert_slice,
    "Split": slicing.convert_split,
    "Gather": slicing.convert_gather,
    "Concat": slicing.convert_concat,
    "LSTM": recurrent.convert_lstm,
    "GRU": gru.convert_gru,
    "Sigmoid": activations.convert_sigmoid,
    "Tanh": activations.convert_tanh,
    "Elu": activations.convert_elu,
    "LeakyRelu": activations.convert_leaky_relu,
    "PRelu": activations.convert_prelu,
    "HardSwish": activations.convert_hard_swish,
    "Gelu": activations.convert_gelu,
    "Softmax": activations.convert_softmax,
}
# Largest deviation from onnxruntime, relative to the largest output, before a conversion counts as wrong.
MAX_RELATIVE_ERROR = 1e-3


@dataclass(frozen=True)
class Conversion:
    """A converted model.

    Attributes:
        graph: float graph, NHWC.
        source: the ONNX file; `source_sha256` its hash.
        input_shape: the ONNX input shape with batch 1.
        input_axes: order of the ONNX axes in the graph's input.
        head: the softmax head that was cut off, or None.
        original: serialised ONNX model as the user gave it, with batch 1.
        simplified: the same with its constants folded.
        headless: `simplified` up to the graph's output; equal to it when no head was cut.
        output_order: row-major ONNX index of each output element of the graph.
    """

    graph: Graph
    source: Path
    source_sha256: str
    input_shape: tuple[int, ...]
    input_axes: tuple[int, ...]
    head: HeadCut | None
    original: bytes
    simplified: bytes
    headless: bytes
    output_order: NDArray[np.intp]

    def arranged(self, x: Floats) -> Floats:
        """Windows (N, *ONNX input shape without batch) in the shape of the graph's input (N, ...)."""
        moved = x.transpose(self.input_axes)
        return np.ascontiguousarray(moved).reshape(len(x), *self.graph.input.shape[1:])

    def onnxruntime_output(self, x: Floats) -> Floats:
        """onnxruntime's answers (N, outputs) for windows (N, *ONNX input shape without batch)."""
        return run_onnx(self.headless, x)[:, self.output_order]


@dataclass(frozen=True)
class FloatCheck:
    """Largest deviation of the float graph from onnxruntime."""

    windows: int
    max_abs_error: float
    max_abs_output: float

    @property
    def relative_error(self) -> float:
        """max_abs_error over the largest output."""
        return self.max_abs_error / max(self.max_abs_output, 1e-12)


def convert_onnx(path: Path) -> Conversion:
    """Convert an ONNX file to a float graph.

    Raises:
        InputError: the file is not a valid ONNX model.
        UnsupportedModelError: an operator or structure cannot be converted; the message names it.
    """
    model = read_model(path)
    nodes, constants = list(model.nodes), dict(model.constants)
    nodes = layer_norm.fuse_layer_normalizations(nodes, constants)
    prepared = prepare(nodes, constants, model.shapes, output=model.output, opset=model.opset)
    nodes, constants = prepared.nodes, prepared.constants
    _check_operators(nodes)
    head = find_head(nodes, constants, model.output)
    target = model.output if head is None else head.logits
    needed = needed_nodes(nodes, target)
    # Overflow ends in an error of its own, not in warnings of numpy.
    with np.errstate(all="ignore"):
        builder, input_axes = _convert_nodes(needed, constants, model.input_name, model.input_shape)
        if target not in builder.values:
            raise UnsupportedModelError(
                f"{path}: the output {target} does not depend on the input", hint="export the model again"
            )
        value = builder.values[target]
        graph = clean(builder.graph(path.stem, [builder.values[_INPUT].tensor], [value.tensor]))
    check_finite(graph, path)
    return Conversion(
        graph=graph,
        source=path,
        source_sha256=model.source_sha256,
        input_shape=model.input_shape,
        input_axes=input_axes,
        head=head,
        original=model.original,
        simplified=model.simplified,
        headless=model.up_to(target),
        output_order=value.layout.element_order(),
    )


def check_against_onnxruntime(conversion: Conversion, x: Floats) -> FloatCheck:
    """Compare the float graph with onnxruntime running the user's model without optimisations.

    Args:
        conversion: what to check.
        x: float32 (N, *ONNX input shape without batch).

    Raises:
        AccuracyError: they differ by more than MAX_RELATIVE_ERROR of the largest output.
    """
    # onnxruntime first: it names what is wrong with the user's model itself.
    original, simplified = run_onnx(conversion.original, x), run_onnx(conversion.simplified, x)
    headless = conversion.onnxruntime_output(x)
    graph_output = run_float_output(conversion.graph, conversion.arranged(x)).reshape(len(x), -1)
    return _worst_of(conversion, x, ((original, simplified), (headless, graph_output)))


def check_answers(conversion: Conversion, x: Floats, answers: Floats) -> FloatCheck:
    """Compare float answers (N, outputs) of any converted model with onnxruntime's, as above.

    Raises:
        AccuracyError: they differ by more than MAX_RELATIVE_ERROR of the largest output.
    """
    original, simplified = run_onnx(conversion.original, x), run_onnx(conversion.simplified, x)
    return _worst_of(conversion, x, ((original, simplified), (conversion.onnxruntime_output(x), answers)))


def _worst_of(
    conversion: Conversion, x: Floats, comparisons: tuple[tuple[Floats, Floats], ...]
) -> FloatCheck:
    checks = [
        FloatCheck(len(x), float(np.abs(answered - expected).max()), float(np.abs(expected).max()))
        for expected, answered in comparisons
    ]
    worst = max(checks, key=lambda check: check.relative_error)
    # Written so that a NaN fails.
    if not all(check.relative_error <= MAX_RELATIVE_ERROR for check in checks):
        raise AccuracyError(
            f"{conversion.source}: the converted graph differs from onnxruntime by {worst.max_abs_error:g} "
            f"(largest output {worst.max_abs_output:g})",
            hint="please report this model: the conversion is wrong",
        )
    return worst


_INPUT = "graph input"


_HEAD_ONLY = {"ReduceSum"}


def _check_operators(nodes: list[Node]) -> None:
    for node in nodes:
        if node.op_type not in CONVERTERS and node.op_type not in _HEAD_ONLY:
            raise node.unsupported(
                "not supported", f"supported operators: {', '.join(sorted(CONVERTERS))} and a softmax head"
            )


def _convert_nodes(
    nodes: list[Node], constants: Mapping[str, NDArray[Any]], input_name: str, shape: tuple[int, ...]
) -> tuple[GraphBuilder, tuple[int, ...]]:
    """Try the memory orders of the input, channels-last first, until no data has to be moved.

    When every order needs TRANSPOSE, the one that moves the fewest bytes wins.
    """
    first_error: UnsupportedModelError | None = None
    for axes in _input_orders(len(shape)):
        try:
            return _attempt(nodes, constants, input_name, shape, axes), axes
        except _LayoutConflictError as problem:
            first_error = first_error or problem.error
    moving: list[tuple[GraphBuilder, tuple[int, ...]]] = []
    for axes in _input_orders(len(shape)):
        try:
            moving.append((_attempt(nodes, constants, input_name, shape, axes, may_move=True), axes))
        except _LayoutConflictError as problem:
            first_error = problem.error
    if not moving:
        assert first_error is not None
        raise first_error
    return min(moving, key=lambda found: found[0].moved_bytes)


class _LayoutConflictError(Exception):
    def __init__(self, error: UnsupportedModelError) -> None:
        super().__init__()
        self.error = error


def _input_orders(rank: int) -> list[tuple[int, ...]]:
    preferred = (0, *range(2, rank), 1)
    others = [(0, *order) for order in itertools.permutations(range(1, rank))]
    return [preferred, *(order for order in others if order != preferred)]


def _attempt(
    nodes: list[Node],
    constants: Mapping[str, NDArray[Any]],
    input_name: str,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    *,
    may_move: bool = False,
) -> GraphBuilder:
    builder = GraphBuilder(dict(constants), may_move=may_move)
    graph_shape = tuple(shape[axis] for axis in axes)
    if len(shape) == 3:
        graph_shape = (1, *graph_shape)
    tensor = builder.new_tensor(input_name, graph_shape)
    builder.define(input_name, tensor, Layout.ordered(shape, axes))
    builder.values[_INPUT] = builder.values[input_name]
    for node in nodes:
        if node.op_type not in CONVERTERS:
            raise node.unsupported(
                "only supported as the last operator of the model",
                "remove softmax and sums from inside the model",
            )
        try:
            CONVERTERS[node.op_type](node, builder)
        except LayoutError as error:
            problem = node.unsupported(f"it would have to move data: {error}", "remove transposes around it")
            raise _LayoutConflictError(problem) from error
    return builder
