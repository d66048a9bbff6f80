"""The training loop: the same bits twice, interrupted or not; early stopping; the weights that are kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.losses.answers import Answers  # noqa: E402
from models.losses.settings import LossSettings  # noqa: E402
from models.synth import WindowSet, generate_window_set  # noqa: E402
from models.training.checkpoint import Progress, load_checkpoint  # noqa: E402
from models.training.loop import Examples, Fitted, answers_of  # noqa: E402
from models.training.networks import Task, feature_layer, registered, task, train_network  # noqa: E402
from models.training.schedule import learning_rate  # noqa: E402
from models.training.settings import FitSettings  # noqa: E402
from models.training.split import SubjectSplit, window_set_of_file  # noqa: E402
from models.training.tapped import TappedNetwork, last_dense, scale_output, set_dropout  # noqa: E402
from ppg_deploy.errors import InputError  # noqa: E402

FIT = FitSettings(seed=3, epochs=4, patience=4, batch=16, schedule="cosine", dropout=0.2)


@pytest.fixture(scope="module")
def split() -> SubjectSplit:
    return SubjectSplit(*(generate_window_set(seeds, 30.0) for seeds in ([11, 12, 13, 14], [21, 22], [31])))


@pytest.fixture(scope="module")
def job(split: SubjectSplit) -> Task:
    return task("timeppg-small", split, card_name="t", ppg="fixed")


@pytest.fixture(scope="module")
def two_dimensional(split: SubjectSplit) -> Task:
    """Its 2-D convolutions train in another memory layout."""
    return task("pulse", split, card_name="t", ppg="fixed")


def trained(
    job: Task,
    folder: Path,
    fit: FitSettings = FIT,
    report: Callable[[str], None] = lambda _: None,
    key: str = "key",
) -> tuple[dict[str, "torch.Tensor"], Fitted]:
    network, fitted = train_network(
        job,
        LossSettings.model_validate({"hard": {}}),
        None,
        fit,
        features=None,
        checkpoint=folder / "c.checkpoint",
        key=key,
        report=report,
    )
    return network.state_dict(), fitted


def equal(first: dict[str, "torch.Tensor"], second: dict[str, "torch.Tensor"]) -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items())


def test_two_runs_give_equal_weights_and_another_seed_others(job: Task, tmp_path: Path) -> None:
    first, second = (trained(job, tmp_path / name) for name in ("a", "b"))
    assert equal(first[0], second[0])
    assert first[1] == second[1]
    other = trained(job, tmp_path / "c", FIT.model_copy(update={"seed": 4}))[0]
    assert not equal(first[0], other)


def test_every_epoch_has_an_order_of_its_own(
    job: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[list[int]] = []
    draw = torch.randperm

    def noted(count: int) -> "torch.Tensor":
        order = draw(count)
        orders.append(order.tolist())
        return order

    monkeypatch.setattr(torch, "randperm", noted)
    trained(job, tmp_path)
    assert len({tuple(order) for order in orders}) == len(orders) == 4
    assert all(sorted(order) == list(range(len(job.train.hr))) for order in orders)


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("network", ["job", "two_dimensional"])
def test_an_interrupted_run_goes_on_to_the_same_weights(
    network: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Killed after the second epoch's checkpoint; dropout, order and learning rate go on as if nothing was."""
    job: Task = request.getfixturevalue(network)
    whole = trained(job, tmp_path / "whole")

    def stop_after_two(line: str) -> None:
        if line.startswith("epoch   2/"):
            raise Interrupted

    with pytest.raises(Interrupted):
        trained(job, tmp_path / "cut", report=stop_after_two)
    lines: list[str] = []
    resumed = trained(job, tmp_path / "cut", report=lines.append)
    assert [line[:9] for line in lines] == ["epoch   3", "epoch   4"]
    assert equal(whole[0], resumed[0])
    assert whole[1] == resumed[1]


def test_two_dimensional_networks_come_back_in_the_usual_layout(
    two_dimensional: Task, tmp_path: Path
) -> None:
    """Weights from memory and from a file must give the same answers to the bit: teachers come from either."""
    weights, fitted = trained(two_dimensional, tmp_path / "a")
    assert all(value.is_contiguous() for value in weights.values())
    network = two_dimensional.student.build()
    network.load_state_dict(weights)
    first, second = (answers_of(TappedNetwork(network), two_dimensional.validation.x) for _ in range(2))
    assert torch.equal(first.output, second.output)
    assert not network.block2[0].weight.is_contiguous()
    assert equal(weights, network.state_dict())
    assert fitted == trained(two_dimensional, tmp_path / "b")[1]


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_ignored(job: Task, tmp_path: Path) -> None:
    trained(job, tmp_path)
    lines: list[str] = []
    trained(job, tmp_path, report=lines.append, key="another")
    assert len(lines) == 4
    path = tmp_path / "c.checkpoint"
    path.write_bytes(path.read_bytes()[:200])
    assert load_checkpoint(path, "another", {}) == Progress()


def test_it_stops_early_and_keeps_the_best_epoch(job: Task, tmp_path: Path) -> None:
    """A learning rate so high that the error on the validation subjects soon rises."""
    settings = FIT.model_copy(
        update={"epochs": 40, "patience": 3, "learning_rate": 0.05, "schedule": "constant"}
    )
    weights, fitted = trained(job, tmp_path, settings)
    errors = [error for _, error in fitted.history]
    assert fitted.epochs == fitted.best_epoch + 3 < 40
    assert fitted.validation_mae == min(errors) == errors[fitted.best_epoch - 1]
    network = job.student.build()
    network.load_state_dict(weights)
    output = answers_of(TappedNetwork(network), job.validation.x).output
    assert job.validation_error(output) == pytest.approx(fitted.validation_mae, abs=1e-3)


def test_a_training_that_diverges_says_so(job: Task, tmp_path: Path) -> None:
    x = job.train.x.copy()
    x[3, 0, 7] = np.inf
    with pytest.raises(InputError, match="diverged in epoch 1"):
        trained(replace(job, train=Examples(x, job.train.hr)), tmp_path)


def test_taps_see_what_the_layers_do() -> None:
    network = registered("pulse").build().eval()
    x = torch.randn(3, 1, 4, 256)
    answers: Answers = TappedNetwork(network, "block3", mean_bpm=90.0, std_bpm=20.0)(x)
    features = network.block3(network.block2(network.block1(x)))
    hidden = network.dense(torch.flatten(network.across(features), 1))
    torch.testing.assert_close(answers.features, features)
    torch.testing.assert_close(answers.hidden, hidden)
    torch.testing.assert_close(answers.output, network.out(hidden) * 20.0 + 90.0)
    with torch.no_grad():
        scale_output(network, 90.0, 20.0)
    torch.testing.assert_close(TappedNetwork(network)(x).output, answers.output)
    with pytest.raises(InputError, match="block9"):
        TappedNetwork(network, "block9")


def test_every_regression_ends_in_the_dense_layer_that_is_scaled() -> None:
    for name in ("pulse", "pulse-teacher", "temponet", "mobilenet-1d", "microresnet", "causal", "lstm-64"):
        network = registered(name).build().eval()
        x = torch.randn(2, *registered(name).input_shape)
        before = network(x).reshape(2)
        assert last_dense(network).out_features == 1
        scale_output(network, 100.0, 10.0)
        torch.testing.assert_close(network(x).reshape(2), before * 10.0 + 100.0)


def test_small_decisions() -> None:
    network = registered("pulse-teacher").build()
    set_dropout(network, 0.125)
    assert {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)} == {0.125}
    assert feature_layer("resnet4", None) == "tail_norm"
    assert feature_layer("causal", "blocks") == "blocks"
    with pytest.raises(InputError, match="known for causal"):
        feature_layer("causal", None)
    with pytest.raises(InputError, match="resnet3"):
        registered("resnet3")


def test_subjects_never_leak_between_parts(split: SubjectSplit) -> None:
    for parts in (
        (split.train, split.train, split.test),
        (split.train, split.validation, split.validation),
        (split.train, split.validation, split.train.pick(np.array([5]))),
    ):
        with pytest.raises(InputError, match="share subjects: synth_"):
            SubjectSplit(*parts)
    with pytest.raises(InputError, match="validation windows are none"):
        SubjectSplit(split.train, split.validation.pick(np.array([], int)), split.test)
    other = WindowSet(split.train.x + 1, split.train.hr, split.train.subject, split.train.start_s)
    changed = SubjectSplit(other, split.validation, split.test).hashes
    assert changed["train"] != split.hashes["train"] and changed["test"] == split.hashes["test"]


def test_windows_files_for_training(split: SubjectSplit, tmp_path: Path) -> None:
    part = split.validation
    np.savez(tmp_path / "w.npz", x=part.x, hr=part.hr, subject=part.subject)
    loaded = window_set_of_file(tmp_path / "w.npz")
    np.testing.assert_array_equal(loaded.start_s, part.start_s)
    np.savez(tmp_path / "n.npz", x=part.x, hr=part.hr)
    with pytest.raises(InputError, match="no subject"):
        window_set_of_file(tmp_path / "n.npz")


@pytest.mark.parametrize("steps", [50, 400])
def test_one_cycle_is_that_of_torch(steps: int) -> None:
    settings = FitSettings(epochs=1, patience=1, learning_rate=3e-3, schedule="one-cycle")
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.Adam([weight], lr=1.0)
    # torch reaches the ends with its first and last step; total_steps - 1 is its 100 %.
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        3e-3,
        total_steps=steps + 1,
        pct_start=(0.3 * steps + 1) / (steps + 1),
        final_div_factor=1e9,
    )
    for step in range(steps):
        assert learning_rate(settings, step / steps) == pytest.approx(
            optimiser.param_groups[0]["lr"], rel=1e-6
        )
        optimiser.step()
        cycle.step()


def test_cosine_halves_at_half_time_and_constant_stays() -> None:
    cosine = FitSettings(epochs=10, patience=1, learning_rate=0.2, schedule="cosine")
    assert [learning_rate(cosine, done) for done in (0.0, 0.5, 1.0)] == pytest.approx([0.2, 0.1, 0.0])
    constant = cosine.model_copy(update={"schedule": "constant"})
    assert [learning_rate(constant, done) for done in (0.0, 0.7, 1.0)] == [0.2] * 3
