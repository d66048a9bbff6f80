"""Float graph -> equivalent float graph with fewer operators: what int8 inference wants to see."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.chomp import drop_unread, fold_chomp, pick_part
from ppg_deploy.convert.sequence_cleanup import fold_channel_slice, fold_uniform_scale
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import (
    Activation,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Operator,
    Pad,
    Padding,
    Reshape,
)
from ppg_deploy.graph.shapes import window_output, window_pads

_Weighted = Conv2D | DepthwiseConv2D | FullyConnected


def clean(graph: Graph) -> Graph:
    """Apply every rewrite until none applies any more."""
    while True:
        rewritten = graph
        for rewrite in (
            _merge_reshapes,
            _affine_before_pool,
            _fold_affine,
            _fuse_activation,
            _fuse_padding,
            fold_chomp,
            fold_channel_slice,
            fold_uniform_scale,
            pick_part,
            drop_unread,
        ):
            rewritten = rewrite(rewritten)
        if rewritten is graph:
            return _without_dead_tensors(graph)
        graph = rewritten


def _only_consumer(graph: Graph, tensor: str) -> Operator | None:
    consumers = graph.consumers(tensor)
    return consumers[0] if len(consumers) == 1 and tensor not in graph.outputs else None


def _source_through_reshapes(graph: Graph, operator: Operator) -> Operator | None:
    """The operator whose result this one reads, looking through reshapes that keep the channel axis.

    None when somebody else reads the result, too.
    """
    channels = graph.tensors[operator.inputs[0]].shape[-1]
    tensor = operator.inputs[0]
    while _only_consumer(graph, tensor) is not None:
        producer = graph.producer(tensor)
        if not isinstance(producer, Reshape):
            return producer
        tensor = producer.inputs[0]
        if graph.tensors[tensor].shape[-1] != channels:
            return None
    return None


def _rewired(
    graph: Graph, removed: Operator, replacements: dict[Operator, Operator], **extra: Tensor
) -> Graph:
    """Drop `removed` (its readers read its input instead), swap operators and add tensors."""
    old, new = removed.output, removed.inputs[0]
    tensors = {**graph.tensors, **extra}
    viewed: list[Operator] = []
    if graph.tensors[old].shape != graph.tensors[new].shape:
        viewed = [Reshape(inputs=(new,), outputs=(old,))]
        new = old
    operators: list[Operator] = []
    for operator in graph.operators:
        if operator is removed:
            operators.extend(viewed)
            continue
        operator = replacements.get(operator, operator)
        inputs = tuple(new if name == old else name for name in operator.inputs)
        operators.append(operator if inputs == operator.inputs else replace(operator, inputs=inputs))
    outputs = tuple(new if name == old else name for name in graph.outputs)
    return replace(graph, tensors=tensors, operators=tuple(operators), outputs=outputs)


def _merge_reshapes(graph: Graph) -> Graph:
    for operator in graph.operators:
        if not isinstance(operator, Reshape):
            continue
        if graph.tensors[operator.inputs[0]].shape == graph.tensors[operator.output].shape:
            if operator.output in graph.outputs and operator.inputs[0] in graph.inputs:
                continue
            return _rewired(graph, operator, {})
        producer = graph.producer(operator.inputs[0])
        if isinstance(producer, Reshape):
            merged = replace(operator, inputs=producer.inputs)
            operators = tuple(merged if other is operator else other for other in graph.operators)
            if not _is_read(graph, producer.output, without=operator):
                operators = tuple(other for other in operators if other is not producer)
            return replace(graph, operators=operators)
    return graph


def _is_read(graph: Graph, tensor: str, *, without: Operator) -> bool:
    others = [operator for operator in graph.consumers(tensor) if operator is not without]
    return bool(others) or tensor in graph.outputs


def _is_affine(graph: Graph, operator: Operator) -> bool:
    return (
        isinstance(operator, DepthwiseConv2D)
        and graph.tensors[operator.inputs[1]].shape[1:3] == (1, 1)
        and operator.depth_multiplier == 1
        and operator.stride == (1, 1)
    )


def _constant(graph: Graph, name: str) -> NDArray[np.float32]:
    return np.asarray(graph.tensors[name].data, np.float32)


def _fold_affine(graph: Graph) -> Graph:
    """Move scale and offset into the weights of the operator in front."""
    for operator in graph.operators:
        if not isinstance(operator, DepthwiseConv2D) or not _is_affine(graph, operator):
            continue
        producer = _source_through_reshapes(graph, operator)
        if not isinstance(producer, _Weighted) or producer.activation is not Activation.NONE:
            continue
        scale = _constant(graph, operator.inputs[1]).reshape(-1).astype(np.float64)
        offset = _constant(graph, operator.inputs[2]).astype(np.float64)
        weights = _constant(graph, producer.inputs[1]).astype(np.float64)
        bias = _constant(graph, producer.inputs[2]).astype(np.float64)
        if isinstance(producer, DepthwiseConv2D):
            scaled = weights * scale
        else:
            scaled = weights * scale.reshape(-1, *(1,) * (weights.ndim - 1))
        names = (f"{producer.inputs[1]}*", f"{producer.inputs[2]}*")
        folded = replace(producer, inputs=(producer.inputs[0], *names), activation=operator.activation)
        constants = {
            name: Tensor(name, data.shape, DType.FLOAT32, data=data.astype(np.float32))
            for name, data in zip(names, (scaled, bias * scale + offset), strict=True)
        }
        return _rewired(graph, operator, {producer: folded}, **constants)
    return graph


def _affine_before_pool(graph: Graph) -> Graph:
    """Average pool, then scale and offset: the other way round, the convolution in front can take them in.

    Averages leave padding out, so every weight is the reciprocal of their number and the order does not matter.
    """
    for operator in graph.operators:
        if not isinstance(operator, DepthwiseConv2D) or not _is_affine(graph, operator):
            continue
        pool = graph.producer(operator.inputs[0])
        if not isinstance(pool, AveragePool2D) or pool.activation is not Activation.NONE:
            continue
        weighted = graph.producer(pool.inputs[0])
        if (
            not isinstance(weighted, _Weighted)
            or weighted.activation is not Activation.NONE
            or _only_consumer(graph, pool.output) is None
            or _only_consumer(graph, weighted.output) is None
        ):
            continue
        scaled = graph.tensors[weighted.output]
        moved = Tensor(f"{operator.output}/before pool", scaled.shape, scaled.dtype)
        affine = replace(
            operator,
            inputs=(weighted.output, *operator.inputs[1:]),
            outputs=(moved.name,),
            activation=Activation.NONE,
        )
        averaged = replace(
            pool, inputs=(moved.name,), outputs=operator.outputs, activation=operator.activation
        )
        swapped = {pool: affine, operator: averaged}
        operators = tuple(swapped.get(other, other) for other in graph.operators)
        return replace(graph, operators=operators, tensors={**graph.tensors, moved.name: moved})
    return graph


def _fuse_activation(graph: Graph) -> Graph:
    """Move a lone clamp (1x1 maximum pool) into the operator in front."""
    for operator in graph.operators:
        if not isinstance(operator, MaxPool2D) or operator.filter != (1, 1) or operator.stride != (1, 1):
            continue
        producer = _source_through_reshapes(graph, operator)
        if getattr(producer, "activation", None) is not Activation.NONE:
            continue
        assert producer is not None
        fused = replace(producer, activation=operator.activation)  # type: ignore[call-arg]
        return _rewired(graph, operator, {producer: fused})
    return graph


def _fuse_padding(graph: Graph) -> Graph:
    """PAD in front of a VALID convolution becomes SAME padding where both mean the same."""
    for operator in graph.operators:
        if not isinstance(operator, Pad) or operator.pads[0] != (0, 0) or operator.pads[3] != (0, 0):
            continue
        consumer = _only_consumer(graph, operator.output)
        if not isinstance(consumer, Conv2D | DepthwiseConv2D) or consumer.padding is not Padding.VALID:
            continue
        size = graph.tensors[operator.inputs[0]].shape[1:3]
        kernel = graph.tensors[consumer.inputs[1]].shape[1:3]
        out = graph.tensors[consumer.output].shape[1:3]
        same = all(
            window_pads(size[i], kernel[i], consumer.stride[i], consumer.dilation[i], Padding.SAME)
            == operator.pads[i + 1]
            and window_output(size[i], kernel[i], consumer.stride[i], consumer.dilation[i], Padding.SAME)
            == out[i]
            for i in (0, 1)
        )
        if not same:
            continue
        fused = replace(consumer, inputs=(operator.inputs[0], *consumer.inputs[1:]), padding=Padding.SAME)
        operators = tuple(
            fused if other is consumer else other for other in graph.operators if other is not operator
        )
        return replace(graph, operators=operators)
    return graph


def _without_dead_tensors(graph: Graph) -> Graph:
    used = {name for operator in graph.operators for name in (*operator.inputs, *operator.outputs)}
    used |= {*graph.inputs, *graph.outputs}
    return replace(graph, tensors={name: tensor for name, tensor in graph.tensors.items() if name in used})
