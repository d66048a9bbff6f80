"""Random int8 graphs with slices, concatenations and LSTMs."""

import numpy as np

from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import Concatenation, StridedSlice, UnidirectionalSequenceLstm
from tests.support.compile_networks import NetworkBuilder, single

GATES = 4


class SequenceBuilder(NetworkBuilder):
    """Adds the operators of recurrent and causal networks."""

    def _copied(self, source: str, shape: tuple[int, ...]) -> str:
        tensor = self.tensors[source]
        return self._activation("copied", shape, tensor.scale, tensor.zero_point)

    def part(
        self, source: str, begin: tuple[int, ...], end: tuple[int, ...], strides: tuple[int, ...]
    ) -> str:
        """STRIDED_SLICE."""
        shape = tuple(len(range(*bound)) for bound in zip(begin, end, strides, strict=True))
        output = self._copied(source, shape)
        self.operators.append(
            StridedSlice(inputs=(source,), outputs=(output,), begin=begin, end=end, strides=strides)
        )
        return output

    def random_part(self, source: str, *, strided: bool) -> str:
        """STRIDED_SLICE with random bounds."""
        begin, end, strides = [0], [1], [1]
        for size in self.shape(source)[1:]:
            first, last = sorted(int(value) for value in self.rng.integers(0, size, 2))
            begin.append(first)
            end.append(last + 1)
            strides.append(int(self.rng.integers(1, 4)) if strided else 1)
        return self.part(source, tuple(begin), tuple(end), tuple(strides))

    def concatenated(self, sources: list[str], axis: int) -> str:
        """CONCATENATION of tensors with equal parameters."""
        shape = list(self.shape(sources[0]))
        shape[axis] = sum(self.shape(source)[axis] for source in sources)
        output = self._copied(sources[0], tuple(shape))
        self.operators.append(Concatenation(inputs=tuple(sources), outputs=(output,), axis=axis))
        return output

    def like(self, source: str, shape: tuple[int, ...]) -> str:
        """A constant with the parameters of another tensor."""
        name = self._copied(source, shape)
        tensor = self.tensors[name]
        codes = self.rng.integers(-128, 128, shape).astype(np.int8)
        self.tensors[name] = Tensor(name, shape, DType.INT8, tensor.quantization, codes)
        return name

    def lstm(self, source: str, units: int, *, gain: float = 1.0) -> str:
        """UNIDIRECTIONAL_SEQUENCE_LSTM; `gain` scales the sums in front of the gates."""
        _, steps, features = self.shape(source)
        output = self._activation("hidden", (1, steps, units), single(self.rng.uniform(0.003, 0.0079)), None)
        cell = self._fresh("cell")
        power = -int(self.rng.integers(8, 13))
        self.tensors[cell] = Tensor(cell, (1, steps, units), DType.INT16, Quantization((2.0**power,), (0,)))
        weights, recurrent = (
            [self._gate(units, depth, 2 * gain / (scale * 5000 * depth**0.5)) for _ in range(GATES)]
            for depth, scale in ((features, self.tensors[source].scale), (units, self.tensors[output].scale))
        )
        biases = [self._bias(source, name, units, 20_000) for name in weights]
        self.operators.append(
            UnidirectionalSequenceLstm(inputs=(source, *weights, *recurrent, *biases), outputs=(output, cell))
        )
        return output

    def _gate(self, units: int, depth: int, scale: float) -> str:
        name = self._fresh("gate")
        codes = self.rng.integers(-127, 128, (units, depth)).astype(np.int8)
        quantization = Quantization((single(scale * self.rng.uniform(0.5, 2.0)),), (0,))
        self.tensors[name] = Tensor(name, (units, depth), DType.INT8, quantization, codes)
        return name


def slices(seed: int) -> Graph:
    """A random part of the input, sometimes read by other operators as well."""
    rng = np.random.default_rng(seed)
    net = SequenceBuilder(seed, (1, *(int(size) for size in rng.integers(1, 12, 3))))
    name = net.random_part(net.input, strided=bool(rng.integers(2)))
    if rng.integers(2):
        name = net.random_part(net.convolution(name, 5, (1, 1)), strided=False)
    return net.graph(net.convolution(name, 3, (1, 1)) if rng.integers(2) else name)


def concatenations(seed: int) -> Graph:
    """Parts of the input and constants put together along a random axis."""
    rng = np.random.default_rng(seed)
    shape = (1, *(int(size) for size in rng.integers(1, 9, 3)))
    net = SequenceBuilder(seed, shape)
    axis = int(rng.integers(1, 4))
    sources = []
    for _ in range(int(rng.integers(2, 6))):
        size = int(rng.integers(1, shape[axis] + 1))
        end = (*shape[:axis], size, *shape[axis + 1 :])
        if rng.integers(4) == 0:
            sources.append(net.like(net.input, end))
        else:
            sources.append(net.part(net.input, (0, 0, 0, 0), end, (1, 1, 1, 1)))
    if all(net.tensors[name].is_constant for name in sources):
        sources.append(net.input)
    return net.graph(net.concatenated(sources, axis))


def lstms(seed: int) -> Graph:
    """An LSTM of random size behind nothing or a reshaped convolution."""
    rng = np.random.default_rng(seed)
    steps, features, units = (int(rng.integers(low, high)) for low, high in ((1, 20), (1, 18), (1, 24)))
    net = SequenceBuilder(seed, (1, 1, steps, features))
    source = net.convolution(net.input, features, (1, 3)) if rng.integers(2) else net.input
    hidden = net.lstm(net.reshape(source, (1, steps, features)), units, gain=float(rng.choice([0.3, 1, 4])))
    if rng.integers(2):
        return net.graph(hidden)
    last = net.part(hidden, (0, steps - 1, 0), (1, steps, units), (1, 1, 1))
    return net.graph(net.dense(net.reshape(last, (1, units)), 3))


def views(seed: int) -> Graph:
    """Sums and products of pieces of one activation: nothing may be overwritten that a view still reads."""
    rng = np.random.default_rng(seed)
    rows, channels = int(rng.integers(4, 12)), int(rng.integers(1, 9))
    net = SequenceBuilder(seed, (1, 1, rows, channels))
    base = net.convolution(net.input, channels, (1, 3))
    size = int(rng.integers(1, rows // 2 + 1))
    pieces = []
    for _ in range(4):
        first = int(rng.integers(0, rows - size + 1))
        pieces.append(net.part(base, (0, 0, first, 0), (1, 1, first + size, channels), (1, 1, 1, 1)))
    name = pieces[0]
    for piece in pieces[1:]:
        name = net.add(name, piece) if rng.integers(2) else net.mul(piece, name)
    return net.graph(net.add(name, pieces[int(rng.integers(4))]))


SEQUENCE_FAMILIES = {"slices": slices, "concatenations": concatenations, "lstms": lstms, "views": views}
