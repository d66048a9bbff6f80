"""Other ways of writing the same network, as they occur in people's code: every form computes what the plain one does.

A form rewrites a copy of a student. Forms that add layers of their own (`batch-norm-*`) are initialised before the
reference answers are taken, so that they, too, are compared with themselves in PyTorch.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Rewritten:
    """A network in another form, and how windows (N, ...) of the plain one are laid out for it."""

    module: nn.Module
    arrange: Callable[[Floats], Floats]


def _unchanged(windows: Floats) -> Floats:
    return windows


def _replaced(module: nn.Module, change: Callable[[nn.Module], nn.Module | None]) -> nn.Module:
    """A copy in which `change` swapped layers; None keeps a layer and looks inside it."""
    swapped = change(module)
    if swapped is not None:
        return swapped
    for name, child in module.named_children():
        setattr(module, name, _replaced(child, change))
    return module


def plain(student: nn.Module) -> Rewritten:
    return Rewritten(student, _unchanged)


def _as_conv2d(layer: nn.Module) -> nn.Module | None:
    """One-dimensional layers as two-dimensional ones of height 1."""
    if isinstance(layer, nn.Conv1d):
        wide = nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            (1, layer.kernel_size[0]),
            (1, layer.stride[0]),
            (0, int(layer.padding[0])),
            (1, layer.dilation[0]),
            layer.groups,
            bias=layer.bias is not None,
        )
        wide.load_state_dict(
            {
                name: value.unsqueeze(2) if name == "weight" else value
                for name, value in layer.state_dict().items()
            }
        )
        return wide
    if isinstance(layer, nn.MaxPool1d):
        return nn.MaxPool2d((1, int(layer.kernel_size)), (1, int(layer.stride)), (0, int(layer.padding)))
    if isinstance(layer, nn.AvgPool1d):
        return nn.AvgPool2d((1, layer.kernel_size[0]), (1, layer.stride[0]))
    if isinstance(layer, nn.AdaptiveAvgPool1d):
        return nn.AdaptiveAvgPool2d(1)
    return None


class _BatchNormOfImages(nn.Module):
    """BatchNorm1d in front of a flattened signal stays; in front of (N, C, 1, L) it becomes BatchNorm2d."""

    def __init__(self, norm: nn.BatchNorm1d) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(norm.num_features)
        self.norm.load_state_dict(norm.state_dict())
        self.flat = norm

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) if x.dim() == 4 else self.flat(x)


def height_1(student: nn.Module) -> Rewritten:
    """Input (N, C, 1, L); Conv2d, BatchNorm2d and pools with height 1."""

    def change(layer: nn.Module) -> nn.Module | None:
        return _BatchNormOfImages(layer) if isinstance(layer, nn.BatchNorm1d) else _as_conv2d(layer)

    return Rewritten(_replaced(copy.deepcopy(student), change), lambda windows: windows[:, :, None, :])


class _TimeFirst(nn.Module):
    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.student = student

    def forward(self, x: Tensor) -> Tensor:
        return self.student(x.transpose(1, 2))


def time_first(student: nn.Module) -> Rewritten:
    """Input (N, L, C), as data frames and TensorFlow have it."""
    return Rewritten(_TimeFirst(student), lambda windows: np.ascontiguousarray(windows.transpose(0, 2, 1)))


class _Noisy(nn.Module):
    """Views that cancel each other, before and behind a layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        turned = x.transpose(-1, -2).unsqueeze(1)
        result = self.layer(turned.squeeze(1).transpose(-1, -2))
        return result.unsqueeze(-1).squeeze(-1)


def views(student: nn.Module) -> Rewritten:
    """Unsqueeze, Squeeze and Transpose around every convolution."""

    def change(layer: nn.Module) -> nn.Module | None:
        return _Noisy(layer) if isinstance(layer, nn.Conv1d | nn.Conv2d) else None

    return Rewritten(_replaced(copy.deepcopy(student), change), _unchanged)


class _Mean(nn.Module):
    """Mean over time, written three ways."""

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.spelling = spelling

    def forward(self, x: Tensor) -> Tensor:
        if self.spelling == "keepdim":
            return x.mean(dim=-1, keepdim=True)
        if self.spelling == "drop":
            return x.mean(-1)
        return functional.avg_pool1d(x, x.shape[-1])


def _with_mean(spelling: str) -> Callable[[nn.Module], Rewritten]:
    def form(student: nn.Module) -> Rewritten:
        def change(layer: nn.Module) -> nn.Module | None:
            if isinstance(layer, nn.AdaptiveAvgPool1d):
                return _Mean(spelling)
            return None

        return Rewritten(_replaced(copy.deepcopy(student), change), _unchanged)

    return form


class _PaddedBefore(nn.Module):
    """Zeros by F.pad, then the layer without padding of its own."""

    def __init__(self, layer: nn.Module, padding: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = layer
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(functional.pad(x, self.padding))


def padded_by_function(student: nn.Module) -> Rewritten:
    """F.pad in front of convolutions and pools instead of their `padding=`."""

    def change(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.MaxPool1d) and layer.padding:
            amount = int(layer.padding)
            return _PaddedBefore(nn.MaxPool1d(layer.kernel_size, layer.stride), (amount, amount))
        if isinstance(layer, nn.Conv1d | nn.Conv2d) and any(layer.padding):
            padding = tuple(int(amount) for axis in reversed(layer.padding) for amount in (axis, axis))
            layer.padding = (0,) * len(layer.padding)
            return _PaddedBefore(layer, padding)
        return None

    return Rewritten(_replaced(copy.deepcopy(student), change), _unchanged)


class _Chomped(nn.Module):
    """A convolution that computes too much on both sides, and a slice that drops it."""

    def __init__(self, layer: nn.Conv1d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[..., 1:-1]


def chomped(student: nn.Module) -> Rewritten:
    """Stride-1 convolutions padded by one sample more than they need; the extra answers are cut off."""

    def change(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Conv1d) and layer.stride[0] == 1 and layer.padding[0]:
            layer.padding = (int(layer.padding[0]) + 1,)
            return _Chomped(layer)
        return None

    return Rewritten(_replaced(copy.deepcopy(student), change), _unchanged)


def batch_norm_first(student: nn.Module) -> Rewritten:
    """A batch norm on the input: normalisation inside the model."""
    first = next(layer for layer in student.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d))
    norm = nn.BatchNorm1d if isinstance(first, nn.Conv1d) else nn.BatchNorm2d
    return Rewritten(nn.Sequential(norm(first.in_channels), copy.deepcopy(student)), _unchanged)


def batch_norm_last(student: nn.Module) -> Rewritten:
    """A batch norm behind every convolution."""

    def change(layer: nn.Module) -> nn.Module | None:
        if isinstance(layer, nn.Conv1d):
            return nn.Sequential(layer, nn.BatchNorm1d(layer.out_channels))
        if isinstance(layer, nn.Conv2d):
            return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels))
        return None

    return Rewritten(_replaced(copy.deepcopy(student), change), _unchanged)


def with_softmax(student: nn.Module) -> Rewritten:
    """Probabilities instead of logits."""
    return Rewritten(nn.Sequential(student, nn.Softmax(dim=1)), _unchanged)


FORMS: dict[str, Callable[[nn.Module], Rewritten]] = {
    "plain": plain,
    "height-1": height_1,
    "time-first": time_first,
    "views": views,
    "mean-keepdim": _with_mean("keepdim"),
    "mean-drop": _with_mean("drop"),
    "mean-pool": _with_mean("pool"),
    "f-pad": padded_by_function,
    "chomp": chomped,
    "batch-norm-first": batch_norm_first,
    "batch-norm-last": batch_norm_last,
    "softmax": with_softmax,
}
