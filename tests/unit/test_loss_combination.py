"""Which losses a file may combine for which networks, and that the sum holds what it names."""

import math

import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.losses.answers import Answers  # noqa: E402
from models.losses.combination import Combination  # noqa: E402
from models.losses.labels import cross_entropy, expected_bpm, label_distribution  # noqa: E402
from models.losses.pulse import pulse_distillation  # noqa: E402
from models.losses.relations import relational_distillation  # noqa: E402
from models.losses.settings import LossSettings  # noqa: E402
from models.losses.soft import soft_distillation  # noqa: E402
from ppg_deploy.errors import InputError  # noqa: E402

HR = torch.tensor([64.0, 70.0, 91.0, 120.0])


def answers(outputs: int, hidden: int = 6, channels: int | None = None, seed: int = 1) -> Answers:
    generator = torch.Generator().manual_seed(seed)
    features = None if channels is None else torch.randn(4, channels, 10, generator=generator)
    output = torch.randn(4, outputs, generator=generator) * 3 + (80.0 if outputs == 1 else 0.0)
    return Answers(output, torch.randn(4, hidden, generator=generator), features)


def settings(**tables: dict[str, float]) -> LossSettings:
    return LossSettings.model_validate(tables)


def test_published_weights_are_the_defaults() -> None:
    losses = settings(decoupled={}, pulse={})
    assert losses.decoupled is not None and losses.pulse is not None
    assert (losses.decoupled.alpha, losses.decoupled.beta, losses.decoupled.temperature) == (1.0, 8.0, 2.0)
    assert (losses.pulse.b, losses.pulse.g) == (0.5, 0.6667)


def test_sum_over_bins() -> None:
    student, teacher = answers(180, channels=3), answers(180, hidden=9, channels=5, seed=2)
    losses = settings(
        hard={"weight": 0.5, "sigma_bpm": 1.5, "smoothing": 0.1},
        soft={"weight": 0.25, "temperature": 3.0},
        decoupled={"weight": 2.0},
        feature={"weight": 0.1},
        relation={"weight": 0.3, "distance_weight": 1.0, "angle_weight": 0.0},
    )
    loss = Combination(losses, student, teacher)
    terms = loss(student, HR, teacher)
    assert set(terms) == {"hard", "soft", "decoupled", "feature", "relation"}
    target = label_distribution(HR, sigma_bpm=1.5, smoothing=0.1)
    assert torch.isclose(terms["hard"], 0.5 * cross_entropy(student.output, target))
    assert torch.isclose(terms["soft"], 0.25 * soft_distillation(student.output, teacher.output, 3.0))
    relation = relational_distillation(student.hidden, teacher.hidden, distance_weight=1.0, angle_weight=0.0)
    assert torch.isclose(terms["relation"], 0.3 * relation)
    # The adapter, 3 to 5 channels of 1x1, is trained with the student.
    assert sum(value.numel() for value in loss.parameters()) == 3 * 5 + 5
    sum(terms.values()).backward()
    assert all(value.grad is not None for value in loss.parameters())


def test_hard_distillation_takes_the_most_likely_bin_for_a_label() -> None:
    """Two bins of interest: labels 64 and 70 BPM, the teacher says 65 and 70; log-softmax by hand."""
    logits = torch.full((2, 180), -1e9)
    logits[0, 34], logits[0, 35] = 1.0, 0.0
    logits[1, 40] = 0.0
    taught = torch.zeros(2, 180)
    taught[0, 35], taught[1, 40] = 4.0, 0.1
    student, teacher = (Answers(output, torch.zeros(2, 1), None) for output in (logits, taught))
    terms = Combination(settings(hard={"labels": 0.25}), student, teacher)(student, HR[:2], teacher)
    log_sum = math.log(math.e + 1.0)
    by_hand = (0.25 * (log_sum - 1.0) + 0.75 * log_sum + 0.0) / 2
    assert math.isclose(float(terms["hard"]), by_hand, rel_tol=1e-6)
    assert settings(hard={"labels": 0.25, "sigma_bpm": 1.0}).from_scratch == settings(hard={"sigma_bpm": 1.0})
    assert settings(hard={"labels": 0.25}).needs_teacher


def test_sum_of_a_regression() -> None:
    student, teacher = answers(1), answers(1, seed=2)
    loss = Combination(settings(hard={"weight": 2.0}, soft={}, pulse={"weight": 0.5}), student, teacher)
    terms = loss(student, HR, teacher)
    assert torch.isclose(terms["hard"], 2.0 * (student.output[:, 0] - HR).abs().mean())
    assert torch.isclose(terms["soft"], (student.output - teacher.output).abs().mean())
    published = pulse_distillation(
        student.output, teacher.output, HR[:, None], student.hidden, teacher.hidden, b=0.5, g=0.6667
    )
    assert torch.isclose(terms["pulse"], 0.5 * published)


def test_pulse_over_bins_compares_expected_heart_rates() -> None:
    student, teacher = answers(180), answers(180, seed=2)
    terms = Combination(settings(pulse={"g": 1.0}), student, teacher)(student, HR, teacher)
    bpm, taught = expected_bpm(student.output), expected_bpm(teacher.output)
    assert torch.isclose(
        terms["pulse"], 0.5 * (bpm - HR[:, None]).abs().mean() + 0.5 * (bpm - taught).abs().mean()
    )


def test_answers_only_leaves_out_what_looks_inside() -> None:
    student, teacher = answers(1, hidden=0), answers(1)
    losses = settings(hard={}, pulse={}, relation={}, feature={})
    loss = Combination(losses, student, teacher, answers_only=True)
    assert set(loss(student, HR, teacher)) == {"hard", "pulse"}


def test_from_scratch_keeps_the_labels_softening() -> None:
    losses = settings(hard={"sigma_bpm": 2.0}, decoupled={})
    assert losses.from_scratch == settings(hard={"sigma_bpm": 2.0})
    assert settings(pulse={}).from_scratch == settings(hard={})
    assert not losses.from_scratch.needs_teacher


@pytest.mark.parametrize(
    ("tables", "student", "teacher", "part"),
    [
        ({"decoupled": {}}, answers(1), answers(180), "one heart rate"),
        ({"soft": {}}, answers(180), answers(1), "the student with bins"),
        ({"hard": {"labels": 0.0}}, answers(180), answers(1), "the student with bins"),
        ({"hard": {"labels": 0.5}}, answers(1), answers(1), "labels is below 1"),
        ({"hard": {"labels": 0.5}}, answers(180), None, "need a teacher"),
        ({"pulse": {}}, answers(1, hidden=32), answers(1, hidden=64), "reads 32 numbers"),
        ({"hard": {}, "feature": {}}, answers(180, channels=3), answers(180), "ensemble"),
        ({"soft": {}}, answers(180), None, "need a teacher"),
    ],
)
def test_what_does_not_fit_is_refused(
    tables: dict[str, dict[str, float]], student: Answers, teacher: Answers | None, part: str
) -> None:
    with pytest.raises(InputError, match=part):
        Combination(settings(**tables), student, teacher)


def test_feature_maps_of_other_axes_are_refused() -> None:
    flat = answers(180, channels=3)
    rows = Answers(flat.output, flat.hidden, torch.zeros(4, 3, 4, 8))
    with pytest.raises(InputError, match="different axes"):
        Combination(settings(hard={}, feature={}), flat, rows)


@pytest.mark.parametrize(
    ("tables", "part"),
    [
        ({"feature": {}}, "no loss looks at the answers"),
        ({"soft": {"tau": 2.0}}, "tau"),
        ({"hrad": {}}, "hrad"),
    ],
)
def test_settings_name_what_is_wrong(tables: dict[str, dict[str, float]], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        settings(**tables)
