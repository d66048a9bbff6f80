"""Every distillation loss against hand-worked values, scipy, and numpy formulas with finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax, rel_entr, softmax
from scipy.stats import norm

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.losses.decoupled import decoupled_distillation, decoupled_terms  # noqa: E402
from models.losses.features import feature_adapter, feature_distillation  # noqa: E402
from models.losses.labels import (  # noqa: E402
    as_bpm,
    cross_entropy,
    expected_bpm,
    label_distribution,
    nearest_bin,
)
from models.losses.pulse import pulse_distillation  # noqa: E402
from models.losses.relations import relational_distillation  # noqa: E402
from models.losses.soft import soft_distillation  # noqa: E402

Numbers = NDArray[np.float64]
RNG = np.random.default_rng(11)


def tensor(values: Numbers) -> "torch.Tensor":
    return torch.tensor(values, dtype=torch.float64)


def agrees(
    ours: Callable[["torch.Tensor"], "torch.Tensor"], theirs: Callable[[Numbers], float], at: Numbers
) -> None:
    """Value and gradient: automatic differentiation of ours, central differences of the other calculation."""
    variable = tensor(at).requires_grad_()
    value = ours(variable)
    assert value.item() == pytest.approx(theirs(at), rel=1e-9)
    value.backward()
    step = 1e-6
    differences = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[index] += step
        down[index] -= step
        differences[index] = (theirs(up) - theirs(down)) / (2 * step)
    assert np.abs(differences).max() > 1e-6
    np.testing.assert_allclose(variable.grad.numpy(), differences, rtol=1e-5, atol=1e-8)


def test_bins_of_heart_rates() -> None:
    hr = tensor(np.array([30.0, 30.4, 30.6, 120.0, 209.0, 250.0, 10.0]))
    assert nearest_bin(hr).tolist() == [0, 0, 1, 90, 179, 179, 0]
    assert expected_bpm(50.0 * label_distribution(tensor(np.array([72.0]))))[0, 0].item() == pytest.approx(
        72.0
    )
    assert as_bpm(tensor(np.array([[72.5]])))[0, 0].item() == 72.5


def test_label_distributions() -> None:
    hr = np.array([64.3, 31.0])
    centres = np.arange(30, 210)
    one_hot = label_distribution(tensor(hr)).numpy()
    assert one_hot.sum(axis=1).tolist() == [1.0, 1.0]
    assert (one_hot.argmax(axis=1) == [34, 1]).all()
    gaussian = label_distribution(tensor(hr), sigma_bpm=1.5).numpy()
    expected = norm.pdf(centres[None], hr[:, None], 1.5)
    np.testing.assert_allclose(gaussian, expected / expected.sum(axis=1, keepdims=True), atol=1e-12)
    smooth = label_distribution(tensor(hr), smoothing=0.18).numpy()
    assert smooth[0, 34] == pytest.approx(0.82 + 0.001)
    assert smooth[0, 0] == pytest.approx(0.001)


def test_cross_entropy() -> None:
    # Two classes with odds 3 to 1: -ln(3/4) for the likely one.
    logits = tensor(np.log([[3.0, 1.0]]))
    assert cross_entropy(logits, tensor(np.array([[1.0, 0.0]]))).item() == pytest.approx(0.28768207, abs=1e-8)
    target = RNG.dirichlet(np.ones(6), 4)
    agrees(
        lambda x: cross_entropy(x, tensor(target)),
        lambda x: float(-(target * log_softmax(x, axis=1)).sum(axis=1).mean()),
        RNG.normal(size=(4, 6)),
    )


def test_soft_distillation() -> None:
    teacher = RNG.normal(size=(5, 7)) * 3
    for temperature in (1.0, 4.0):
        agrees(
            lambda x, t=temperature: soft_distillation(x, tensor(teacher), t),  # type: ignore[misc]
            lambda x, t=temperature: float(  # type: ignore[misc]
                t**2 * rel_entr(softmax(teacher / t, axis=1), softmax(x / t, axis=1)).sum(axis=1).mean()
            ),
            RNG.normal(size=(5, 7)),
        )
    assert soft_distillation(tensor(teacher), tensor(teacher + 2.0), 4.0).item() == pytest.approx(
        0.0, abs=1e-12
    )


def test_decoupled_terms_by_hand() -> None:
    """Teacher (0.5, 0.3, 0.2), student (0.25, 0.25, 0.5), target class 0, temperature 1."""
    teacher = tensor(np.log([[0.5, 0.3, 0.2]]))
    student = tensor(np.log([[0.25, 0.25, 0.5]]))
    tckd, nckd = decoupled_terms(student, teacher, torch.tensor([0]), 1.0)
    # Target against the rest: (0.5, 0.5) and (0.25, 0.75): 0.5 ln 2 + 0.5 ln(2/3).
    assert tckd.item() == pytest.approx(0.14384104, abs=1e-8)
    # Among the rest: (0.6, 0.4) and (1/3, 2/3): 0.6 ln 1.8 + 0.4 ln 0.6.
    assert nckd.item() == pytest.approx(0.14834175, abs=1e-8)
    # 0.5 ln 2 + 0.3 ln 1.2 + 0.2 ln 0.4.
    assert soft_distillation(student, teacher, 1.0).item() == pytest.approx(0.21801191, abs=1e-8)
    loss = decoupled_distillation(student, teacher, torch.tensor([0]), alpha=1.0, beta=8.0, temperature=1.0)
    assert loss.item() == pytest.approx(0.14384104 + 8 * 0.14834175, abs=1e-7)


def test_soft_distillation_is_the_sum_of_the_decoupled_terms() -> None:
    """KD = TCKD + (1 - p_t) NCKD at every temperature, with p_t the teacher's probability of the target."""
    student, teacher = RNG.normal(size=(2, 9, 12)) * 4
    target = RNG.integers(0, 12, 9)
    for temperature in (1.0, 2.0, 5.0):
        tckd, nckd = decoupled_terms(tensor(student), tensor(teacher), torch.from_numpy(target), temperature)
        p_target = softmax(teacher / temperature, axis=1)[np.arange(9), target]
        whole = soft_distillation(tensor(student), tensor(teacher), temperature).item() / temperature**2
        assert (tckd.numpy() + (1 - p_target) * nckd.numpy()).mean() == pytest.approx(whole, rel=1e-10)


def test_decoupled_distillation() -> None:
    teacher, target = RNG.normal(size=(4, 6)) * 2, np.array([0, 5, 2, 2])

    def by_numpy(x: Numbers) -> float:
        total = 0.0
        for row in range(4):
            t, s = softmax(teacher[row] / 2.0), softmax(x[row] / 2.0)
            index = target[row]
            t_rest, s_rest = np.delete(t, index), np.delete(s, index)
            two_way = rel_entr([t[index], 1 - t[index]], [s[index], 1 - s[index]]).sum()
            total += two_way + 8 * rel_entr(t_rest / t_rest.sum(), s_rest / s_rest.sum()).sum()
        return float(4.0 * total / 4)

    agrees(
        lambda x: decoupled_distillation(
            x, tensor(teacher), torch.from_numpy(target), alpha=1.0, beta=8.0, temperature=2.0
        ),
        by_numpy,
        RNG.normal(size=(4, 6)),
    )


def test_decoupled_distillation_of_a_certain_teacher_is_finite() -> None:
    certain = tensor(np.array([[800.0, 0.0, 1.0]]))
    student = tensor(np.zeros((1, 3))).requires_grad_()
    loss = decoupled_distillation(student, certain, torch.tensor([0]), alpha=1.0, beta=8.0, temperature=2.0)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(student.grad).all()


def test_feature_distillation() -> None:
    """Student 2 channels of 6 samples, teacher 3 of 12: the teacher is averaged in pairs."""
    adapter = feature_adapter(2, 3, axes=1).double()
    weights, bias = (value.detach().numpy() for value in (adapter.weight[:, :, 0], adapter.bias))
    teacher = RNG.normal(size=(4, 3, 12))
    pooled = teacher.reshape(4, 3, 6, 2).mean(axis=3)
    agrees(
        lambda x: feature_distillation(x, tensor(teacher), adapter),
        lambda x: float(((np.einsum("oc,ncl->nol", weights, x) + bias[:, None] - pooled) ** 2).mean()),
        RNG.normal(size=(4, 2, 6)),
    )


def test_feature_distillation_over_rows_and_time() -> None:
    adapter = feature_adapter(2, 3, axes=2).double()
    weights, bias = (value.detach().numpy() for value in (adapter.weight[:, :, 0, 0], adapter.bias))
    teacher = RNG.normal(size=(2, 3, 4, 5))
    agrees(
        lambda x: feature_distillation(x, tensor(teacher), adapter),
        lambda x: float(
            ((np.einsum("oc,nchw->nohw", weights, x) + bias[:, None, None] - teacher) ** 2).mean()
        ),
        RNG.normal(size=(2, 2, 4, 5)),
    )


def huber(difference: Numbers) -> Numbers:
    size = np.abs(difference)
    return np.asarray(np.where(size < 1.0, 0.5 * size**2, size - 0.5))


def distances_by_loops(points: Numbers) -> Numbers:
    count = len(points)
    table = np.array([[np.linalg.norm(a - b) for b in points] for a in points])
    return np.asarray(table / (table.sum() / (count * (count - 1))))


def cosines_by_loops(points: Numbers) -> Numbers:
    count = len(points)
    table = np.zeros((count, count, count))
    for j, i, k in np.ndindex(table.shape):
        a, b = points[i] - points[j], points[k] - points[j]
        if i != j and k != j:
            table[j, i, k] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    return table


@pytest.mark.parametrize(("distance", "angle"), [(1.0, 0.0), (0.0, 1.0), (0.7, 2.0)])
def test_relational_distillation(distance: float, angle: float) -> None:
    teacher = RNG.normal(size=(5, 6))
    agrees(
        lambda x: relational_distillation(x, tensor(teacher), distance_weight=distance, angle_weight=angle),
        lambda x: float(
            distance * huber(distances_by_loops(x) - distances_by_loops(teacher)).mean()
            + angle * huber(cosines_by_loops(x) - cosines_by_loops(teacher)).mean()
        ),
        RNG.normal(size=(5, 3)),
    )


def test_relations_do_not_change_with_scale_and_place() -> None:
    points = tensor(RNG.normal(size=(6, 4)))
    loss = relational_distillation(3.0 * points + 7.0, points, distance_weight=1.0, angle_weight=1.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_relations_of_equal_windows_have_finite_gradients() -> None:
    student = tensor(np.ones((3, 2))).requires_grad_()
    relational_distillation(
        student, tensor(RNG.normal(size=(3, 2))), distance_weight=1.0, angle_weight=1.0
    ).backward()
    assert torch.isfinite(student.grad).all()


def test_pulse_loss_by_hand() -> None:
    """g (b |y - s| + (1 - b) |s - t|) + (1 - g) MSE of softmaxes, one window."""
    column = [tensor(np.array([[value]])) for value in (80.0, 76.0, 84.0)]
    student, teacher, label = column
    hidden = tensor(np.log([[1.0, 3.0]])), tensor(np.log([[1.0, 1.0]]))
    # 0.6667 (0.5 * 4 + 0.5 * 4) + 0.3333 * ((0.25 - 0.5)^2 + (0.75 - 0.5)^2) / 2
    loss = pulse_distillation(student, teacher, label, *hidden, b=0.5, g=0.6667)
    assert loss.item() == pytest.approx(0.6667 * 4.0 + 0.3333 * 0.0625, abs=1e-12)


def test_pulse_loss() -> None:
    teacher_hidden, label, teacher = RNG.normal(size=(3, 5)), RNG.normal(size=(3, 1)), RNG.normal(size=(3, 1))
    hidden = RNG.normal(size=(3, 5))
    answers = RNG.normal(size=(3, 1))

    def by_numpy(s: Numbers, h: Numbers) -> float:
        l1 = 0.3 * np.abs(s - label).mean() + 0.7 * np.abs(s - teacher).mean()
        return float(0.6 * l1 + 0.4 * ((softmax(h, axis=1) - softmax(teacher_hidden, axis=1)) ** 2).mean())

    agrees(
        lambda s: pulse_distillation(
            s, tensor(teacher), tensor(label), tensor(hidden), tensor(teacher_hidden), b=0.3, g=0.6
        ),
        lambda s: by_numpy(s, hidden),
        answers,
    )
    agrees(
        lambda h: pulse_distillation(
            tensor(answers), tensor(teacher), tensor(label), h, tensor(teacher_hidden), b=0.3, g=0.6
        ),
        lambda h: by_numpy(answers, h),
        hidden,
    )
