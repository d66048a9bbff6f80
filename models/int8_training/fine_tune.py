"""A few epochs with fake quantisation; the ranges are those that `ppg-deploy quantize` will find afterwards."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.int8_training.graph_network import GraphNetwork
from models.int8_training.settings import Int8Settings
from models.losses.answers import Answers
from models.losses.combination import Combination
from models.losses.settings import LossSettings, SoftLoss
from models.training.loop import Examples, Report, chosen_device, set_seed
from ppg_deploy.quantization.calibration import Range
from ppg_deploy.quantization.preparation import PreparedStudent
from ppg_deploy.quantization.ranges import activation_quantization


@dataclass(frozen=True)
class Int8Fitted:
    """Simulated int8 error on the validation subjects in BPM after each epoch; [0] is before the first.

    `best_epoch` is the one that was kept; 0 means that fine-tuning did not help and nothing was changed.
    """

    best_epoch: int
    validation_mae: tuple[float, ...]


def fine_tune(
    prepared: PreparedStudent,
    losses: LossSettings,
    train: Examples,
    teacher: Answers | None,
    validation_x: Tensor,
    validation_error: Callable[[Tensor], float],
    settings: Int8Settings,
    *,
    seed: int,
    report: Report,
) -> tuple[GraphNetwork, Int8Fitted]:
    """The student with weights that bear rounding better; it computes in float again.

    Args:
        prepared: the exported student as `quantize` prepares it, with its calibration windows.
        losses: as in the training before; only terms that look at the answers take part, if `settings` want them.
        train: normalised windows and labels.
        teacher: answers for the same windows.
        validation_x: normalised windows.
        validation_error: mean absolute error in BPM of outputs for them.
        settings: how long, how fast.
        seed: of the order of the windows.
        report: gets one line an epoch.

    Raises:
        UnsupportedModelError: the student holds an operator that fake quantisation does not know.
    """
    device = chosen_device("cpu")
    set_seed(seed, device)
    network = GraphNetwork(prepared.conversion)
    if settings.towards == "float":
        losses = LossSettings(soft=SoftLoss(temperature=1.0))
        teacher = _answers(_outputs(network, torch.from_numpy(train.x)))
    calibration = torch.from_numpy(prepared.calibration_x)
    output_range = prepared.output_range("card")
    _take_ranges(network, calibration, output_range)
    errors = [validation_error(_outputs(network, validation_x))]
    best_epoch, best_weights = 0, _weights(network)
    report(f"epoch   0/{settings.epochs}  validation as int8 {errors[0]:6.2f} BPM")
    loss = Combination(losses, _answers(_outputs(network, validation_x[:2])), teacher, answers_only=True)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    x, hr = torch.from_numpy(train.x), torch.from_numpy(train.hr)
    for epoch in range(1, settings.epochs + 1):
        set_seed(seed * 1_000_003 + epoch, device)
        for rows in torch.randperm(len(x)).split(settings.batch):
            taught = None if teacher is None else teacher.rows(rows)
            terms = loss(_answers(network(x[rows])), hr[rows], taught)
            optimiser.zero_grad()
            sum(terms.values()).backward()
            optimiser.step()
        # quantize() will calibrate the new weights: so does every epoch.
        _take_ranges(network, calibration, output_range)
        errors.append(validation_error(_outputs(network, validation_x)))
        report(f"epoch {epoch:3d}/{settings.epochs}  validation as int8 {errors[-1]:6.2f} BPM")
        if errors[-1] < errors[best_epoch]:
            best_epoch, best_weights = epoch, _weights(network)
    network.load_state_dict(best_weights)
    network.quantization = None
    return network, Int8Fitted(best_epoch, tuple(errors))


def _take_ranges(network: GraphNetwork, calibration: Tensor, output_range: Range | None) -> None:
    network.quantization = activation_quantization(network.graph, network.ranges(calibration), output_range)


def _outputs(network: GraphNetwork, x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(part) for part in x.split(256)])


def _answers(output: Tensor) -> Answers:
    return Answers(output, output[:, :0])


def _weights(network: GraphNetwork) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
