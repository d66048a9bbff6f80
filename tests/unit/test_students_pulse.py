"""The PULSE network against its published table, and the training script on a tiny run."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.students.pulse import INPUT_SHAPE, MACS, PARAMETERS, PulseStudent  # noqa: E402
from models.train import train  # noqa: E402
from models.training.config import TrainConfig, read_config  # noqa: E402
from models.training.data import Normalisation, spread_over_heart_rate, training_recordings  # noqa: E402
from models.training.export import write_onnx  # noqa: E402
from models.training.fit import predict  # noqa: E402
from models.training.tapped import scale_output  # noqa: E402
from ppg_deploy.card import FixedChannel, load_card  # noqa: E402
from ppg_deploy.errors import InputError  # noqa: E402

CONFIG = Path(__file__).parents[2] / "models" / "pulse-demo" / "train.toml"


def test_parameters_match_the_published_count() -> None:
    count = sum(parameter.numel() for parameter in PulseStudent().parameters())
    assert count == PARAMETERS == 27_241


def test_multiplications_match_the_hand_count() -> None:
    counted = 0

    def count(layer: Any, _: object, output: Any) -> None:
        nonlocal counted
        counted += output[0].numel() * layer.weight[0].numel()

    student = PulseStudent().eval()
    for layer in student.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    student(torch.zeros(1, *INPUT_SHAPE))
    # Rows x columns x channels out x (channels in x kernel), layer by layer of the published table.
    block1 = 4 * 256 * 16 * (1 * 3) + 2 * (4 * 256 * 16 * (16 * 3))
    block2 = 4 * 64 * 24 * (16 * 3) + 2 * (4 * 64 * 24 * (24 * 3))
    block3 = 4 * 16 * 32 * (24 * 3) + 2 * (4 * 16 * 32 * (32 * 3))
    across_and_dense = 1 * 8 * 32 * (32 * 4) + 256 * 32 + 32 * 1
    assert counted == block1 + block2 + block3 + across_and_dense == MACS == 3_383_328


def test_shapes_along_the_network() -> None:
    student = PulseStudent().eval()
    x = torch.zeros(3, *INPUT_SHAPE)
    after1 = student.block1(x)
    after2 = student.block2(after1)
    after3 = student.block3(after2)
    assert after1.shape == (3, 16, 4, 64)
    assert after2.shape == (3, 24, 4, 16)
    assert after3.shape == (3, 32, 4, 8)
    assert student.across(after3).shape == (3, 32, 1, 8)
    assert student(x).shape == (3, 1)


def test_exported_graph_has_the_published_operators_and_the_same_answers(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(3)
    student = PulseStudent()
    write_onnx(tmp_path / "student.onnx", student)
    model = onnx.load(tmp_path / "student.onnx")
    onnx.checker.check_model(model)
    operators = [node.op_type for node in model.graph.node]
    assert sorted(operators) == sorted(
        ["Conv"] * 10 + ["Relu"] * 9 + ["AveragePool"] * 3 + ["Flatten"] + ["Gemm"] * 2
    )
    assert model.opset_import[0].version == 17
    x = np.random.default_rng(4).normal(size=(5, *INPUT_SHAPE)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "student.onnx")
    answers = [float(session.run(["hr"], {"x": window[None]})[0][0, 0]) for window in x]
    np.testing.assert_allclose(answers, predict(student, x), atol=1e-5)


def test_output_scale_is_folded_into_the_last_layer() -> None:
    torch.manual_seed(5)
    student = PulseStudent()
    x = np.random.default_rng(6).normal(size=(4, *INPUT_SHAPE)).astype(np.float32)
    standardised = predict(student, x)
    scale_output(student, mean_bpm=100.0, std_bpm=30.0)
    np.testing.assert_allclose(predict(student, x), standardised * 30.0 + 100.0, rtol=1e-5)


def test_drawn_training_windows_carry_their_own_label() -> None:
    recordings = training_recordings([41, 42], 30.0)
    x, hr = recordings.draw(np.random.default_rng(7), windows_per_subject=5)
    assert x.shape == (10, 1, 4, 256)
    for window, label in zip(x[:, 0], hr, strict=True):
        places = [
            (subject, start)
            for subject in range(2)
            for start in range(30 * 32 - 255)
            if np.array_equal(recordings.signals[subject, :, start : start + 256], window)
        ]
        assert len(places) == 1
        subject, start = places[0]
        beats = recordings.beats[subject]
        assert label == pytest.approx((beats[start + 256] - beats[start]) * 60.0 / 8.0, abs=1e-3)


def test_normalisation_makes_the_training_data_standard() -> None:
    recordings = training_recordings([43, 44, 45], 30.0)
    flat = recordings.normalisation().apply(recordings.signals[:, None])
    np.testing.assert_allclose(flat.mean(axis=(0, 1, 3)), 0.0, atol=1e-4)
    np.testing.assert_allclose(flat.std(axis=(0, 1, 3)), 1.0, atol=1e-4)


def test_calibration_choice_takes_from_every_heart_rate() -> None:
    from models.synth import WindowSet

    hr = np.concatenate([np.full(500, 75.0), np.full(5, 115.0), np.full(50, 165.0)]).astype(np.float32)
    many = WindowSet(np.zeros((555, 1, 4, 256), np.float32), hr, np.full(555, "a"), np.zeros(555, np.float32))
    chosen = spread_over_heart_rate(many, 60, np.random.default_rng(8))
    assert len(set(chosen.tolist())) == 60
    picked = many.pick(chosen).hr
    assert [(picked == rate).sum() for rate in (75.0, 115.0, 165.0)] == [28, 5, 27]


def test_smoke_training_gives_the_same_files_twice(tmp_path: Path) -> None:
    config = read_config(CONFIG).smoke()
    results = [train(config, tmp_path / name) for name in ("first", "second")]
    assert results[0]["sha256"] == results[1]["sha256"]
    first = (tmp_path / "first" / "student.onnx").read_bytes()
    assert first == (tmp_path / "second" / "student.onnx").read_bytes()
    other = TrainConfig(
        data=config.data, export=config.export, fit=config.fit.model_copy(update={"seed": 99, "epochs": 1})
    )
    assert train(other, tmp_path / "other")["sha256"]["student.onnx"] != results[0]["sha256"]["student.onnx"]
    channel = load_card(tmp_path / "first" / "student.toml").input.channel[0]
    assert isinstance(channel, FixedChannel)
    seconds = config.data.seconds_per_subject
    normalisation: Normalisation = training_recordings(config.data.train_seeds, seconds).normalisation()
    assert channel.std == normalisation.std[0]


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("test_first_seed = 9000", "test_first_seed = 1010", "share subjects"),
        ("epochs = 40", 'epochs = "many"', "epochs"),
        ("[9009,", "[1,", "shipped_test_seeds"),
        ("seed = 1\n", "", "fit.seed"),
    ],
)
def test_wrong_training_files_are_refused(tmp_path: Path, old: str, new: str, part: str) -> None:
    text = CONFIG.read_text()
    assert old in text
    changed = tmp_path / "train.toml"
    changed.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=part):
        read_config(changed)
