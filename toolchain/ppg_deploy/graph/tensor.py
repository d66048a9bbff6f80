"""Tensors of the one graph that every step shares."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


class DType(Enum):
    """Element types that occur in float and int8 graphs."""

    FLOAT32 = "float32"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"

    @property
    def numpy(self) -> "np.dtype[np.generic]":
        """The numpy dtype of the same name."""
        return np.dtype(self.value)

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.numpy.itemsize


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation: real = scale * (code - zero_point).

    Per-tensor parameters have one entry and `axis` None; per-channel ones have one entry per slice of `axis`.
    Source: TensorFlow Lite 8-bit quantization specification.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    @property
    def per_channel(self) -> bool:
        """True when each slice along `axis` has a scale of its own."""
        return self.axis is not None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A named tensor; `data` is set for constants only and has dtype and shape of the tensor.

    Activations are NHWC with batch 1; one-dimensional signals have height 1: (1, 1, length, channels).
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: Quantization | None = None
    data: Array | None = None

    @property
    def is_constant(self) -> bool:
        """True for weights, biases and other constants."""
        return self.data is not None

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def byte_size(self) -> int:
        """Bytes the tensor occupies."""
        return self.size * self.dtype.itemsize

    @property
    def scale(self) -> float:
        """Per-tensor scale; only valid on per-tensor quantised tensors."""
        assert self.quantization is not None and not self.quantization.per_channel, self.name
        return self.quantization.scale[0]

    @property
    def zero_point(self) -> int:
        """Per-tensor zero point; only valid on per-tensor quantised tensors."""
        assert self.quantization is not None and not self.quantization.per_channel, self.name
        return self.quantization.zero_point[0]
