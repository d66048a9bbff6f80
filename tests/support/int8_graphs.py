"""Generated int8 graphs with seeded random constants and quantisation parameters, one operator or a few."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import Operator, Reshape

EXTREME_ZERO_POINTS = (-128, -127, -1, 0, 5, 126, 127)


def float32(value: float) -> float:
    """The nearest single-precision number: scales are stored as such."""
    return float(np.float32(value))


class GraphMaker:
    """Adds tensors and operators; activations get the given or random parameters."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []

    def parameters(self, scale: float | None = None, zero_point: int | None = None) -> Quantization:
        """Per-tensor parameters."""
        chosen = self.rng.uniform(0.005, 0.2) if scale is None else scale
        zero = int(self.rng.choice(EXTREME_ZERO_POINTS)) if zero_point is None else zero_point
        return Quantization((float32(chosen),), (zero,))

    def activation(self, shape: Sequence[int], quantization: Quantization | None = None) -> str:
        """An int8 activation."""
        name = f"a{len(self.tensors)}"
        self.tensors[name] = Tensor(name, tuple(shape), DType.INT8, quantization or self.parameters())
        return name

    def weights(
        self, shape: Sequence[int], axis: int, *, per_channel: bool = True, largest: float = 0.01
    ) -> str:
        """int8 weights, one scale per slice of `axis` or one for all."""
        name = f"w{len(self.tensors)}"
        count = shape[axis] if per_channel else 1
        scales = tuple(float32(value) for value in self.rng.uniform(largest / 50, largest, count))
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        quantization = Quantization(scales, (0,) * count, axis if per_channel else None)
        self.tensors[name] = Tensor(name, tuple(shape), DType.INT8, quantization, data)
        return name

    def bias(self, size: int, weights: str, source: str, largest: int = 4000) -> str:
        """int32 bias in the scale that TensorFlow Lite prescribes."""
        name = f"b{len(self.tensors)}"
        parameters = self.tensors[weights].quantization
        assert parameters is not None
        scales = tuple(float32(self.tensors[source].scale * scale) for scale in parameters.scale)
        data = self.rng.integers(-largest, largest + 1, size).astype(np.int32)
        quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
        self.tensors[name] = Tensor(name, (size,), DType.INT32, quantization, data)
        return name

    def constant(self, shape: Sequence[int], quantization: Quantization | None = None) -> str:
        """An int8 constant operand."""
        name = self.activation(shape, quantization)
        data = self.rng.integers(-128, 128, shape).astype(np.int8)
        old = self.tensors[name]
        self.tensors[name] = Tensor(name, old.shape, old.dtype, old.quantization, data)
        return name

    def emit(self, operator: Operator) -> str:
        """Append an operator; its output's name."""
        self.operators.append(operator)
        return operator.output

    def reshaped(self, source: str, shape: Sequence[int]) -> str:
        """RESHAPE."""
        output = self.activation(shape, self.tensors[source].quantization)
        return self.emit(Reshape(inputs=(source,), outputs=(output,)))

    def graph(self, source: str, output: str) -> Graph:
        """The finished graph."""
        return Graph("generated", self.tensors, tuple(self.operators), (source,), (output,))


def random_windows(graph: Graph, count: int, seed: int = 0) -> NDArray[np.int8]:
    """int8 windows: all lowest, all highest, alternating extremes, then random."""
    rng = np.random.default_rng(seed)
    shape = (count, *graph.input.shape[1:])
    codes = rng.integers(-128, 128, shape).astype(np.int8)
    codes[0], codes[1] = -128, 127
    if count > 2:
        codes[2] = rng.choice(np.array([-128, 127], np.int8), shape[1:])
    return codes
