"""Several teachers answering as one."""

from collections.abc import Sequence

import torch

from models.losses.answers import Answers
from ppg_deploy.errors import InputError


def ensemble_answers(members: Sequence[Answers]) -> Answers:
    """Mean of the logits or of the heart rates; hidden layers side by side; no feature map unless there is one member.

    Hidden layers of networks trained apart have nothing in common, one by one; the distances between windows that
    relational distillation takes from them do.

    Raises:
        InputError: no members, or some answer with bins and others with a heart rate.
    """
    if not members:
        raise InputError("an ensemble has no members", hint="name at least one network and one seed")
    if len(members) == 1:
        return members[0]
    if len({member.output.shape[1] for member in members}) > 1:
        raise InputError(
            "field teacher.networks: some answer with one heart rate, others with bins",
            hint="build ensembles of one kind",
        )
    output = torch.stack([member.output for member in members]).mean(dim=0)
    return Answers(output, torch.cat([member.hidden for member in members], dim=1))
