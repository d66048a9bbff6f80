"""A network together with what its last dense layer reads and what one layer inside answers."""

from typing import Any

import torch
from torch import Tensor, nn

from models.losses.answers import Answers
from ppg_deploy.errors import InputError


class TappedNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows in, `Answers` out; heart rates come out in BPM.

    Weights of the network's 2-D convolutions are laid out anew in memory; `usual_layout` undoes it.

    Args:
        network: a student or teacher that ends in a dense layer.
        feature_layer: name of the module whose output is the feature map; None for none.
        mean_bpm: of the training labels.
        std_bpm: of the training labels; a regression learns standardised heart rates, which conditions the fit.

    Raises:
        InputError: no dense layer, or no module of that name.
    """

    def __init__(
        self,
        network: nn.Module,
        feature_layer: str | None = None,
        *,
        mean_bpm: float = 0.0,
        std_bpm: float = 1.0,
    ) -> None:
        super().__init__()
        # The PULSE student trains faster so on a CPU; windows follow the weights. Other weights stay as they are.
        self.network = network.to(memory_format=torch.channels_last)
        self.mean_bpm, self.std_bpm = mean_bpm, std_bpm
        self._hidden: Tensor | None = None
        self._features: Tensor | None = None
        last_dense(network).register_forward_pre_hook(self._keep_hidden)
        if feature_layer is not None:
            _module(network, feature_layer).register_forward_hook(self._keep_features)

    def forward(self, x: Tensor) -> Answers:
        """(N, *input shape) to answers for N windows."""
        output = self.network(x)
        output = output.reshape(len(output), -1)
        if output.shape[1] == 1:
            output = output * self.std_bpm + self.mean_bpm
        assert self._hidden is not None
        answers = Answers(output, self._hidden.reshape(len(output), -1), self._features)
        self._hidden = self._features = None
        return answers

    def _keep_hidden(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._hidden = inputs[0]

    def _keep_features(self, _: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        self._features = output


def usual_layout(network: nn.Module) -> nn.Module:
    """The network with its weights in the order of values that files have."""
    return network.to(memory_format=torch.contiguous_format)


def last_dense(network: nn.Module) -> nn.Linear:
    """The dense layer that is defined last, which is the one that answers in every network of `models/students`.

    Raises:
        InputError: the network has none.
    """
    dense = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not dense:
        raise InputError("the network has no dense layer", hint="choose one of models/students")
    return dense[-1]


def scale_output(network: nn.Module, mean_bpm: float, std_bpm: float) -> None:
    """Fold `answer * std + mean` into the last layer, so that the network answers in BPM."""
    out = last_dense(network)
    with torch.no_grad():
        out.weight.mul_(std_bpm)
        out.bias.mul_(std_bpm).add_(mean_bpm)


def set_dropout(network: nn.Module, probability: float) -> None:
    """Give every dropout layer this probability."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = probability


def _module(network: nn.Module, name: str) -> nn.Module:
    modules = dict(network.named_modules())
    if name not in modules:
        known = ", ".join(known for known in modules if known and "." not in known)
        raise InputError(f"the network has no layer {name!r}", hint=f"its layers are {known}")
    return modules[name]
