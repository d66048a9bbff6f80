"""Rounding as int8 does, with gradients that pass straight through.

The codes are those of `ppg_deploy/quantization`: activations affine with one scale, rounded half to even and saturated
(`codes.py`); weights symmetric with one scale an output channel (`weights.py`); biases in steps of the product of both.
"""

import numpy as np
import torch
from torch import Tensor

from ppg_deploy.graph import Quantization

_LOWEST, _HIGHEST = -128, 127
# Float32 noise of a mean in codes; the next number below a half is 1 / 512 away for pools of 256.
_NOISE = 1e-4
_LARGEST_WEIGHT = 127.0
_LARGEST_BIAS = 2.0**30
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


def fake_activation(values: Tensor, quantization: Quantization) -> Tensor:
    """Values as their int8 codes stand for them; no gradient where they saturate."""
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    return _from_codes(values, torch.round(values / scale) + zero_point, quantization)


def fake_mean(values: Tensor, quantization: Quantization) -> Tensor:
    """Means of values that are codes already, rounded as average pools do: halves of a code away from code 0.

    Means of two or four codes are often halves, so that rounding them to even would shift the answers.
    """
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    codes = values / scale + zero_point
    return _from_codes(values, torch.sign(codes) * torch.floor(codes.abs() + 0.5 + _NOISE), quantization)


def fake_weights(weights: Tensor, bias: Tensor, input_scale: float) -> tuple[Tensor, Tensor]:
    """Rounded weights (out, ...) and biases (out,).

    The scale of a channel is its largest weight over 127, but never so small that its bias leaves 31 bits.
    """
    largest = weights.detach().abs().flatten(1).amax(dim=1) / _LARGEST_WEIGHT
    smallest = (bias.detach().abs() / (_LARGEST_BIAS * input_scale)).clamp(min=_SMALLEST_SCALE)
    scales = torch.maximum(largest, smallest)
    shaped = scales.view(-1, *[1] * (weights.dim() - 1))
    steps = input_scale * scales
    return (
        _straight_through(weights, torch.round(weights / shaped) * shaped),
        _straight_through(bias, torch.round(bias / steps) * steps),
    )


def _from_codes(values: Tensor, codes: Tensor, quantization: Quantization) -> Tensor:
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    inside = values.clamp((_LOWEST - zero_point) * scale, (_HIGHEST - zero_point) * scale)
    return _straight_through(inside, (codes.clamp(_LOWEST, _HIGHEST) - zero_point) * scale)


def _straight_through(values: Tensor, rounded: Tensor) -> Tensor:
    return values + (rounded - values).detach()
