"""Students with seeded weights and windows for them: every layer's outputs spread as in a trained network."""

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.students.registry import STUDENTS
from models.synth import generate_window_set

Floats = NDArray[np.float32]

# Four synthetic wearers; 29 windows each.
_SEEDS = (7001, 7002, 7003, 7004)
_SECONDS = 64.0


@functools.cache
def _synthetic_windows() -> Floats:
    """(116, 4, 256): z-scored PPG and accelerometer."""
    x = generate_window_set(_SEEDS, _SECONDS).x[:, 0]
    return (x - x.mean(axis=(0, 2), keepdims=True)) / x.std(axis=(0, 2), keepdims=True)


def windows_for(name: str) -> Floats:
    """(116, *input shape) float32: as many channels and samples as the student takes, from the start."""
    shape = STUDENTS[name].input_shape
    channels, samples = shape[-2:]
    cut = _synthetic_windows()[:, :channels, :samples]
    return np.ascontiguousarray(cut.reshape(len(cut), *shape), np.float32)


def seeded(name: str) -> nn.Module:
    """The student with weights of a fixed seed, in evaluation mode."""
    torch.manual_seed(1000 + len(name))
    module = STUDENTS[name].build()
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return module


def spread(module: nn.Module, windows: Floats) -> nn.Module:
    """Give batch norms the statistics of the windows, and the last layer 90 +- 20 BPM or logits of 0 +- 2."""
    x = torch.from_numpy(windows)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
            nn.init.uniform_(layer.weight, 0.7, 1.4)
            nn.init.uniform_(layer.bias, -0.3, 0.3)
        elif isinstance(layer, nn.Dropout):
            layer.p = 0.0
    with torch.no_grad():
        module.train()(x)
        module.eval()
        last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
        answers: list[torch.Tensor] = []
        handle = last.register_forward_hook(lambda _layer, _inputs, output: answers.append(output))
        module(x)
        handle.remove()
        mean, deviation = (90.0, 20.0) if last.out_features == 1 else (0.0, 2.0)
        scale = deviation / answers[0].std(dim=0).mean()
        last.weight *= scale
        last.bias.copy_(mean - (answers[0].mean(dim=0) - last.bias) * scale)
    return module
