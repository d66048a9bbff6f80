"""How far a window moves on between two answers, and whether a model's windows can slide at all."""

from pathlib import Path

from ppg_deploy import handover
from ppg_deploy.card import StudentCard, WindowChannel
from ppg_deploy.config import Hop
from ppg_deploy.errors import InputError

_WHOLE_SAMPLES = 1e-3
"""Strides are given in seconds: this far from a whole number of samples is rounding."""


def resolve_hop(wanted: Hop | None, *, quantize_json: Path, model_sha256: str) -> int | None:
    """New samples per channel between two answers; None without sliding windows.

    Args:
        wanted: a number of samples, or "auto" for the card's stride.
        quantize_json: holds the student's card; ignored when it is missing or describes another model.
        model_sha256: hash of the model.

    Raises:
        InputError: successive windows are normalised differently, or the card does not say the stride in samples.
    """
    if wanted is None:
        return None
    report = handover.matching_report(quantize_json, model_sha256)
    card = None if report is None else report.card
    if card is not None:
        _check_normalisation(card)
    if wanted != "auto":
        return wanted
    if card is None:
        raise InputError(
            "--hop auto takes the stride from the student card, and this model has none",
            hint="give the number of new samples per channel, for example --hop 64",
        )
    samples = card.input.stride_s * card.input.sample_rate_hz
    if round(samples) < 1 or abs(samples - round(samples)) > _WHOLE_SAMPLES:
        raise InputError(
            f"--hop auto: the card's input.stride_s of {card.input.stride_s:g} s is {samples:g} samples at "
            f"{card.input.sample_rate_hz:g} Hz, not a whole number",
            hint="give the number of new samples per channel, for example --hop 64",
        )
    return round(samples)


def _check_normalisation(card: StudentCard) -> None:
    for number, channel in enumerate(card.input.channel):
        if isinstance(channel, WindowChannel):
            raise InputError(
                "--hop: successive windows share no codes, because the card normalises each by its own mean and "
                f'deviation: input.channel.{number}.normalise is "window" (channel {channel.name})',
                hint='build without --hop, or train the student with normalise = "fixed" or "none"',
            )
