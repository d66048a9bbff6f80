"""Temperature, entropy, ensembles and the cache of teachers."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import entropy

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.losses.answers import Answers  # noqa: E402
from models.synth import generate_window_set  # noqa: E402
from models.teachers.cache import load_answers, load_weights, save_answers, save_weights  # noqa: E402
from models.teachers.ensemble import ensemble_answers  # noqa: E402
from models.teachers.settings import TeacherSettings  # noqa: E402
from models.teachers.temperature import (  # noqa: E402
    calibrate_temperature,
    check_entropy,
    label_entropy,
    mean_entropy,
)
from models.teachers.training import Teacher, teach  # noqa: E402
from models.training.settings import FitSettings  # noqa: E402
from models.training.split import SubjectSplit  # noqa: E402
from ppg_deploy.errors import InputError  # noqa: E402


def honest_logits(count: int, spread: float, seed: int = 3) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Logits of Gaussians around a guess, and labels drawn from those very distributions."""
    rng = np.random.default_rng(seed)
    centres = np.arange(30, 210)
    guesses = rng.uniform(60, 170, count)
    logits = -0.5 * ((centres[None] - guesses[:, None]) / spread) ** 2
    # Gumbel noise draws from softmax(logits).
    hr = centres[(logits + rng.gumbel(size=logits.shape)).argmax(axis=1)].astype(float)
    return torch.from_numpy(logits), torch.from_numpy(hr)


@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_temperature_undoes_a_factor(factor: float) -> None:
    """Logits that are right at temperature 1, multiplied: the factor comes back, and scipy finds the same."""
    # The standard error of the temperature is sqrt(2 / 12000) of it: 1.3 %.
    logits, hr = honest_logits(12000, 4.0)
    found = calibrate_temperature(logits * factor, hr)
    assert found == pytest.approx(factor, rel=0.05)
    index = (hr.numpy() - 30).astype(int)

    def likelihood(logarithm: float) -> float:
        scaled = log_softmax(logits.numpy() * factor / np.exp(logarithm), axis=1)
        return float(-scaled[np.arange(len(index)), index].mean())

    best = minimize_scalar(likelihood, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert found == pytest.approx(float(np.exp(best.x)), rel=1e-4)


def test_entropy_equals_likelihood_at_the_best_temperature() -> None:
    """The derivative by the temperature vanishes exactly where both are equal."""
    logits, hr = honest_logits(500, 4.0)
    facts = check_entropy(logits * 2.5, hr, calibrate_temperature(logits * 2.5, hr))
    assert facts.entropy_after == pytest.approx(facts.nll_after, rel=1e-5)
    assert facts.entropy_before < facts.nll_before
    assert facts.nll_after < facts.nll_before


def test_entropies_by_scipy() -> None:
    logits, _ = honest_logits(200, 4.0)
    shares = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    assert mean_entropy(logits) == pytest.approx(entropy(shares, axis=1).mean())
    # A Gaussian of 4 bins: ln(4 sqrt(2 pi e)).
    assert mean_entropy(logits) == pytest.approx(np.log(4 * np.sqrt(2 * np.pi * np.e)), rel=1e-3)
    assert label_entropy(torch.tensor([60.0, 60.2, 61.0, 90.0])) == pytest.approx(entropy([0.5, 0.25, 0.25]))


def test_warnings_of_the_entropy_check() -> None:
    logits, hr = honest_logits(500, 4.0)
    assert check_entropy(logits, hr, 1.0).warnings == ()
    (sharp_at_first,) = check_entropy(logits * 6, hr, 6.0).warnings
    assert "too sharp as trained" in sharp_at_first
    (flat,) = check_entropy(torch.zeros_like(logits), hr, 1.0).warnings
    assert "too flat" in flat
    sure = torch.nn.functional.one_hot((hr - 30).long(), 180).double() * 40
    (sharp,) = check_entropy(sure, hr, 1.0).warnings
    assert "little more than the labels" in sharp


def test_ensembles_average_answers_and_line_up_hidden_layers() -> None:
    first, second = (
        Answers(torch.full((2, 180), value), torch.full((2, 3), value), torch.zeros(2, 1, 4))
        for value in (1.0, 4.0)
    )
    both = ensemble_answers([first, second])
    assert both.output.tolist() == [[2.5] * 180] * 2
    assert both.hidden.tolist() == [[1.0] * 3 + [4.0] * 3] * 2
    assert both.features is None
    assert ensemble_answers([first]) is first
    scalar = Answers(torch.zeros(2, 1), torch.zeros(2, 3))
    with pytest.raises(InputError, match="one heart rate"):
        ensemble_answers([first, scalar])


def test_cached_answers_survive_and_damage_is_no_answer(tmp_path: Path) -> None:
    answers = Answers(torch.randn(3, 180), torch.randn(3, 5), torch.randn(3, 2, 4))
    save_answers(tmp_path / "a.npz", answers)
    again = load_answers(tmp_path / "a.npz")
    assert again is not None and again.features is not None and answers.features is not None
    assert torch.equal(again.output, answers.output) and torch.equal(again.features, answers.features)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:100])
    assert load_answers(tmp_path / "a.npz") is None
    assert load_answers(tmp_path / "none.npz") is None


@pytest.fixture(scope="module")
def split() -> SubjectSplit:
    return SubjectSplit(*(generate_window_set(seeds, 24.0) for seeds in ([11, 12, 13], [21], [31])))


def taught(split: SubjectSplit, cache: Path, lines: list[str], **changes: object) -> Teacher:
    settings = TeacherSettings(
        networks=("resnet1",),
        seeds=(4, 5),
        fit=FitSettings(epochs=2, patience=2, batch=8, dropout=0.0),
        ppg="window",
    ).model_copy(update=changes)
    return teach(settings, split, wants_features=False, layer=None, cache=cache, report=lines.append)


def test_teachers_come_from_the_cache_the_second_time(split: SubjectSplit, tmp_path: Path) -> None:
    lines: list[str] = []
    first = taught(split, tmp_path, lines)
    assert len(first.members) == 2 and first.entropy is not None
    assert first.members[0].weights_sha256 != first.members[1].weights_sha256
    trained = [line for line in lines if "epoch" in line]
    assert len(trained) == 4
    lines.clear()
    second = taught(split, tmp_path, lines)
    assert not [line for line in lines if "epoch" in line]
    assert torch.equal(first.answers.output, second.answers.output)
    assert first.members == second.members
    # One member alone, uncalibrated: the mean of both is the ensemble's, before its temperature.
    alone = [
        taught(split, tmp_path, [], seeds=(seed,), calibrate_temperature=False).answers.output
        for seed in (4, 5)
    ]
    expected = (alone[0] + alone[1]) / 2 / first.entropy.temperature
    torch.testing.assert_close(first.answers.output, expected)
    # Other windows, other teachers.
    lines.clear()
    other = SubjectSplit(split.train.pick(np.arange(20)), split.validation, split.test)
    taught(other, tmp_path, lines)
    assert len([line for line in lines if "epoch" in line]) == 4


@pytest.mark.parametrize("kept", [0, 20, 700])
def test_damaged_weights_count_as_none(tmp_path: Path, kept: int) -> None:
    network, path = torch.nn.Linear(3, 2), tmp_path / "teacher.pt"
    save_weights(path, network, {"best_epoch": 1})
    assert load_weights(path, torch.nn.Linear(3, 2)) == {"best_epoch": 1}
    path.write_bytes(path.read_bytes()[:kept])
    assert load_weights(path, network) is None
