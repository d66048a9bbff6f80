"""ONNX networks with seeded random weights, written operator by operator: no exporter and no code of ours involved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


@dataclass
class OnnxNetwork:
    """Collects nodes; every method returns the name of its output."""

    input_shape: tuple[int | str, ...]
    seed: int = 0
    opset: int = 17
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def constant(self, values: NDArray[Any]) -> str:
        name = f"c{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def weights(self, *shape: int) -> str:
        fan_in = math.prod(shape[1:])
        return self.constant((self.rng.standard_normal(shape) * math.sqrt(2.0 / fan_in)).astype(np.float32))

    def vector(self, size: int, scale: float = 0.1) -> str:
        return self.constant((self.rng.standard_normal(size) * scale).astype(np.float32))

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=f"n{output}", **attributes))
        return output

    def conv(
        self, x: str, channels: int, out: int, kernel: Sequence[int], groups: int = 1, **attributes: Any
    ) -> str:
        weights = self.weights(out, channels // groups, *kernel)
        return self.add(
            "Conv", x, weights, self.vector(out), kernel_shape=list(kernel), group=groups, **attributes
        )

    def batch_norm(self, x: str, channels: int) -> str:
        scale = self.constant(self.rng.uniform(0.5, 1.5, channels).astype(np.float32))
        variance = self.constant(self.rng.uniform(0.5, 2.0, channels).astype(np.float32))
        return self.add(
            "BatchNormalization", x, scale, self.vector(channels), self.vector(channels), variance
        )

    def dense(self, x: str, features: int, out: int) -> str:
        return self.add("Gemm", x, self.weights(out, features), self.vector(out), transB=1)

    def pad(self, x: str, pads: Sequence[int]) -> str:
        return self.add(
            "Pad", x, self.constant(np.array(pads, np.int64)), self.constant(np.float32(0.0).reshape(()))
        )

    def model(self, output: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.input_shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.initialisers,
        )
        opset = helper.make_opsetid("", self.opset)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8)

    def save(self, path: Path, output: str) -> Path:
        model = onnx.shape_inference.infer_shapes(self.model(output))
        onnx.save(model, path)
        return path


def pulse_student(path: Path, seed: int = 0) -> Path:
    """PULSE student, specification of the KD_PULSE repository: 27,241 parameters, 3,383,328 MACs."""
    net = OnnxNetwork((1, 1, 4, 256), seed)
    x, channels = "x", 1
    for out, dilation, pool in ((16, 2, 4), (24, 3, 4), (32, 4, 2)):
        for _ in range(3):
            x = net.conv(
                x,
                channels,
                out,
                (1, 3),
                dilations=[1, dilation],
                pads=[0, dilation, 0, dilation],
                strides=[1, 1],
            )
            x, channels = net.add("Relu", x), out
        x = net.add("AveragePool", x, kernel_shape=[1, pool], strides=[1, pool])
    x = net.conv(x, 32, 32, (4, 1))
    x = net.add("Flatten", x, axis=1)
    return net.save(path, net.dense(net.dense(x, 256, 32), 32, 1))


def residual_network(path: Path, blocks: int, seed: int = 0, classes: int = 180, samples: int = 200) -> Path:
    """Residual network of WildPPG / Arora et al., from the description in the paper: pre-activation, 32 channels."""
    net = OnnxNetwork((1, 1, samples), seed)
    x = net.conv("x", 1, 32, (5,), pads=[2, 2])
    x = net.add("Relu", net.batch_norm(x, 32))
    channels, length = 32, samples
    for block in range(blocks):
        stride, out = 1 + block % 2, 32 * 2 ** (block // 4)
        shortcut = x
        if block > 0:
            x = net.add("Relu", net.batch_norm(x, channels))
        total = max((-(-length // stride) - 1) * stride + 5 - length, 0)
        x = net.pad(x, [0, 0, total // 2, 0, 0, total - total // 2])
        x = net.conv(x, channels, out, (5,), strides=[stride])
        x = net.add("Relu", net.batch_norm(x, out))
        x = net.conv(x, out, out, (5,), pads=[2, 2])
        if stride == 2:
            shortcut = net.pad(shortcut, [0, 0, 0, 0, 0, length % 2])
            shortcut = net.add("MaxPool", shortcut, kernel_shape=[2], strides=[2])
            length = -(-length // 2)
        if out != channels:
            extra = out - channels
            shortcut = net.pad(shortcut, [0, extra // 2, 0, 0, extra - extra // 2, 0])
        x, channels = net.add("Add", x, shortcut), out
    x = net.add("Relu", net.batch_norm(x, channels))
    x = net.add("ReduceMean", x, axes=[2], keepdims=0)
    return net.save(path, net.dense(x, channels, classes))
