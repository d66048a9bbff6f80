"""Feature distillation: the student's feature map, seen through a 1x1 convolution, imitates the teacher's.

Source: Romero et al., "FitNets: Hints for Thin Deep Nets", 2015, with a 1x1 adapter in place of their regressor.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

_CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
_POOLS = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d}


def feature_adapter(student_channels: int, teacher_channels: int, axes: int) -> nn.Module:
    """A 1x1 convolution from the student's channels to the teacher's over `axes` (1 or 2) axes behind the channels."""
    return _CONVOLUTIONS[axes](student_channels, teacher_channels, 1)


def common_size(student: tuple[int, ...], teacher: tuple[int, ...]) -> tuple[int, ...]:
    """The smaller of both sizes along each axis behind the channels."""
    return tuple(min(sizes) for sizes in zip(student, teacher, strict=True))


def pooled_to(features: Tensor, size: tuple[int, ...]) -> Tensor:
    """(N, C, ...) averaged to (N, C, *size)."""
    if tuple(features.shape[2:]) == size:
        return features
    pooled: Tensor = _POOLS[len(size)](features, size)
    return pooled


def feature_distillation(student: Tensor, teacher: Tensor, adapter: nn.Module) -> Tensor:
    """Mean square difference between the adapted student's features and the teacher's.

    Args:
        student: (N, C_s, ...) with one or two axes behind the channels.
        teacher: (N, C_t, ...) with as many axes.
        adapter: 1x1 convolution from C_s to C_t channels, trained with the student.

    The larger map is averaged to the size of the smaller one.
    """
    size = common_size(tuple(student.shape[2:]), tuple(teacher.shape[2:]))
    return torch.mean((adapter(pooled_to(student, size)) - pooled_to(teacher, size)) ** 2)
