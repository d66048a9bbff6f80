"""A smoke distillation on generated data, and the student's way to the emulator without a step by hand."""

import json
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.distil.__main__ import main
from models.distil.settings import DistilSettings, read_settings
from models.evaluate import measure_folder
from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256_of_file
from tests.support.commands import REPOSITORY, ppg_deploy, requires_compiler, succeeded

CONFIGS = REPOSITORY / "models" / "configs"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a user runs it: a process of its own."""
    folder = tmp_path_factory.mktemp("distilled")
    done = subprocess.run(
        [sys.executable, "-m", "models.distil", str(CONFIGS / "pulse-smoke.toml"), "--out", str(folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert done.stdout.splitlines()[-1].startswith("next: ppg-deploy quantize")
    return folder


@pytest.fixture(scope="module")
def result(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "result.json").read_text()))


def test_result_says_what_was_done(out: Path, result: dict[str, Any]) -> None:
    assert result["terms"] == ["pulse"]
    (member,) = result["teacher"]["members"]
    assert (member["network"], member["parameters"]) == ("pulse-teacher", 131_825)
    assert result["subjects"] == {"train": 8, "validation": 3, "test": 2}
    assert set(result["data_sha256"]) == {"train", "validation", "test"}
    assert {"python", "torch", "numpy", "onnx"} == set(result["versions"])
    for name, expected in result["sha256"].items():
        assert sha256_of_file(out / name) == expected
    assert DistilSettings.model_validate(result["settings"]) == read_settings(CONFIGS / "pulse-smoke.toml")
    for name in ("student", "from_scratch"):
        facts = result[name]
        errors = facts["int8"]["training"]["validation_mae"]
        assert facts["int8"]["training"]["best_epoch"] == int(np.argmin(errors))
        gain = facts["int8"]["before"]["mae_int8"] - facts["int8"]["after"]["mae_int8"]
        assert facts["int8"]["gain_bpm"] == gain
        assert facts["test_error_bpm"]["mae"] == pytest.approx(facts["int8"]["after"]["mae_float"], abs=0.01)
    assert not list(out.rglob("*.checkpoint"))


def test_distilled_and_scratch_saw_the_same_windows(out: Path) -> None:
    for name in ("student.toml", "student.calib.npz", "test.npz"):
        assert sha256_of_file(out / name) == sha256_of_file(out / "from-scratch" / name)
    assert sha256_of_file(out / "student.onnx") != sha256_of_file(out / "from-scratch" / "student.onnx")
    card = tomllib.loads((out / "student.toml").read_text())
    train, test = np.load(out / "student.calib.npz"), np.load(out / "test.npz")
    assert card["input"]["channel"][0]["std"] > 10
    assert not set(train["subject"]) & set(test["subject"])


@requires_compiler
def test_three_commands_bring_it_to_the_emulator(out: Path, result: dict[str, Any]) -> None:
    succeeded(ppg_deploy("quantize", "student.onnx", "--data", "test.npz", folder=out))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=out))
    succeeded(ppg_deploy("bench", "--emulator", "unicorn", "--data", "test.npz", "--count", "4", folder=out))
    report = json.loads((out / "build" / "report.json").read_text())
    quantized = json.loads((out / "build" / "quantize.json").read_text())
    assert report["outputs"]["mismatched"] == 0
    assert report["model"]["macs"] == 3_383_328
    assert quantized["accuracy"]["mae_int8"] == result["student"]["int8"]["after"]["mae_int8"]


def test_every_loss_over_bins_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Residual student, all losses, int8 training; the cache spares the second run, of another seed, its teacher."""
    arguments = [str(CONFIGS / "resnet-smoke.toml"), "--cache", str(tmp_path / "cache")]
    assert main([*arguments, "--out", str(tmp_path / "first")]) == 0
    assert "teacher resnet2, seed 1: epoch" in capsys.readouterr().out
    assert main([*arguments, "--out", str(tmp_path / "second"), "--seed", "2"]) == 0
    assert "teacher resnet2, seed 1: taken from" in capsys.readouterr().out
    first, second = (
        json.loads((tmp_path / name / "result.json").read_text()) for name in ("first", "second")
    )
    assert first["terms"] == ["decoupled", "feature", "hard", "relation", "soft"]
    assert first["teacher"] == second["teacher"]
    assert first["teacher"]["entropy"]["label_entropy"] > 0
    assert first["sha256"]["student.onnx"] != second["sha256"]["student.onnx"]
    assert first["sha256"]["test.npz"] == second["sha256"]["test.npz"]
    assert np.load(tmp_path / "first" / "student.calib.npz")["x"].shape[1:] == (1, 200)
    # Five windows go along; errors are those of all 27 windows of each of the three subjects.
    with np.load(tmp_path / "first" / "test.npz") as shipped:
        assert shipped["subject"].tolist() == ["synth_9001"] * 5
        assert shipped["start_s"].tolist() == [22.0, 24.0, 26.0, 28.0, 30.0]
    assert first["shipped"]["int8"]["windows"] == first["shipped"]["test_error_bpm"]["windows"] == 5
    assert first["student"]["int8"]["after"]["windows"] == 81
    again = measure_folder(tmp_path / "first")
    assert asdict(again["shipped"]) == first["shipped"]["test_error_bpm"]
    assert asdict(again["held_out"]) == first["student"]["test_error_bpm"]


def test_shipped_settings_are_valid() -> None:
    for path in CONFIGS.glob("*.toml"):
        assert read_settings(path).export.name == path.stem
    for path in CONFIGS.parent.glob("*-demo/distil.toml"):
        assert read_settings(path).export.name == path.parent.name


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("[loss.pulse]", "[loss.puls]", "loss.puls"),
        ('network = "pulse"', 'network = "pulsar"', "pulsar"),
        ("validation_first_seed = 5000", "validation_first_seed = 1005", "share subjects"),
        ("[loss.pulse]\nb = 0.5\ng = 0.6667", "[loss.hard]", "no loss looks at the teacher"),
        ("[loss.pulse]\nb = 0.5\ng = 0.6667", "[loss.decoupled]", "one heart rate"),
        (
            'name = "pulse-smoke"',
            'name = "s"\nshipped_test_subjects = ["synth_1"]',
            "'synth_1' is no test subject",
        ),
        ("[data.synthetic]", "[data.files]\ntrain = 'a'\n[data.synthetic]", "data.files"),
    ],
)
def test_mistakes_are_named(
    old: str, new: str, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (CONFIGS / "pulse-smoke.toml").read_text()
    assert old in text
    smaller = text.replace(old, new).replace("train_subjects = 8", "train_subjects = 6")
    (tmp_path / "c.toml").write_text(
        smaller.replace("seconds_per_subject = 60.0", "seconds_per_subject = 10.0")
    )
    assert main([str(tmp_path / "c.toml"), "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert part in printed.err
    # Before anything is trained.
    assert "epoch" not in printed.out


def test_files_are_looked_for_beside_the_settings(tmp_path: Path) -> None:
    text = (CONFIGS / "pulse-smoke.toml").read_text()
    head, tail = text.index("[data.synthetic]"), text.index("[teacher]")
    files = '[data.files]\ntrain = "a.npz"\nvalidation = "b.npz"\ntest = "c.npz"\n'
    (tmp_path / "c.toml").write_text(text[:head] + files + text[tail:])
    found = read_settings(tmp_path / "c.toml").data.files
    assert found is not None and found.validation == tmp_path / "b.npz"
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")
