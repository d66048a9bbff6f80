"""Every student by name: how to build it, what it takes and what is published about it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from models.students import (
    activations,
    causal,
    expectation,
    microresnet,
    mlp,
    mobilenet,
    pulse,
    pulse_teacher,
    recurrent,
    residual,
    temponet,
    transformer,
)


@dataclass(frozen=True)
class Student:
    """One network.

    Attributes:
        build: returns a freshly initialised network.
        input_shape: shape of one window, without the batch.
        outputs: number of output elements: 1 heart rate, or one logit a class.
        parameters: trainable parameters that an export holds.
        published_parameters: the count its authors print; None for networks of our own. It is larger than
            `parameters` where published code builds layers that no window passes through.
        macs: multiply-accumulates of the convolutions, dense layers and matrix products; None: not published.
        source: publication, or that the network is ours.
    """

    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    outputs: int
    parameters: int
    published_parameters: int | None
    macs: int | None
    source: str


_OWN = "own network"
_PULSE = "Kasnesis et al., KD_PULSE"
_RESIDUAL = "Arora et al.; Meier et al., WildPPG"
_Q_PPG = "Burrello et al., Q-PPG"


def _own(build: Callable[[], nn.Module], input_shape: tuple[int, ...], parameters: int) -> Student:
    return Student(build, input_shape, 1, parameters, None, None, _OWN)


STUDENTS: dict[str, Student] = {
    "pulse": Student(
        pulse.PulseStudent, pulse.INPUT_SHAPE, 1, pulse.PARAMETERS, pulse.PARAMETERS, pulse.MACS, _PULSE
    ),
    "pulse-teacher": Student(
        pulse_teacher.PulseTeacher,
        pulse_teacher.INPUT_SHAPE,
        1,
        pulse_teacher.PARAMETERS,
        pulse_teacher.PARAMETERS,
        pulse_teacher.MACS,
        _PULSE,
    ),
    "pulse-teacher-without-attention": _own(
        pulse_teacher.PulseTeacherWithoutAttention,
        pulse_teacher.INPUT_SHAPE,
        pulse_teacher.PARAMETERS_WITHOUT_ATTENTION,
    ),
    **{
        f"resnet{blocks}": Student(
            partial(residual.ResidualStudent, blocks),
            residual.INPUT_SHAPE,
            residual.CLASSES,
            residual.PARAMETERS[blocks],
            residual.PUBLISHED_PARAMETERS[blocks],
            residual.MACS[blocks],
            _RESIDUAL,
        )
        for blocks in residual.PARAMETERS
    },
    **{
        name: Student(
            partial(temponet.temponet, name),
            temponet.INPUT_SHAPE,
            1,
            temponet.PARAMETERS[name],
            temponet.PARAMETERS[name],
            temponet.MACS[name],
            _Q_PPG,
        )
        for name in temponet.WIDTHS
    },
    "mobilenet-1d": _own(mobilenet.MobileNet1D, mobilenet.INPUT_SHAPE, mobilenet.PARAMETERS),
    "microresnet": _own(microresnet.MicroResNet, microresnet.INPUT_SHAPE, microresnet.PARAMETERS),
    "mlp-small": _own(mlp.mlp_small, mlp.PPG_SHAPE, mlp.PARAMETERS["mlp-small"]),
    "mlp-wide": _own(mlp.mlp_wide, mlp.FOUR_CHANNELS_SHAPE, mlp.PARAMETERS["mlp-wide"]),
    "lstm-64": _own(
        partial(recurrent.RecurrentStudent, nn.LSTM), recurrent.INPUT_SHAPE, recurrent.PARAMETERS["lstm-64"]
    ),
    "gru-64": _own(
        partial(recurrent.RecurrentStudent, nn.GRU), recurrent.INPUT_SHAPE, recurrent.PARAMETERS["gru-64"]
    ),
    "causal": _own(causal.CausalStudent, causal.INPUT_SHAPE, causal.PARAMETERS),
    "attention": _own(transformer.AttentionStudent, transformer.INPUT_SHAPE, transformer.PARAMETERS),
    **{
        f"small-{name}": _own(
            partial(activations.SmallStudent, activation), activations.INPUT_SHAPE, activations.PARAMETERS
        )
        for name, activation in activations.ACTIVATIONS.items()
    },
    "small-squeeze-excitation": _own(
        partial(activations.SmallStudent, nn.ReLU, squeeze_excitation=True),
        activations.INPUT_SHAPE,
        activations.PARAMETERS_SQUEEZE_EXCITATION,
    ),
    **{
        f"expectation-{spelling}": _own(
            partial(expectation.ExpectationStudent, spelling), expectation.INPUT_SHAPE, expectation.PARAMETERS
        )
        for spelling in expectation.SPELLINGS
    },
}
