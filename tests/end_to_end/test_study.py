"""A smoke study on generated data: trained once, taken over the second time, with what failed named."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.study.__main__ import main
from tests.support.commands import REPOSITORY

CONFIG = REPOSITORY / "models" / "study" / "configs" / "smoke.toml"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a user runs it: a process of its own."""
    folder = tmp_path_factory.mktemp("study")
    done = subprocess.run(
        [sys.executable, "-m", "models.study", str(CONFIG), "--out", str(folder), "--jobs", "2"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "study.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_training_has_a_row_with_its_own_figures(out: Path) -> None:
    found = {(row["student"], row["strategy"], row["seed"]): row for row in rows(out)}
    assert set(found) == {
        (student, strategy, seed)
        for student, strategy in (("resnet1", "scratch"), ("resnet1", "decoupled"), ("pulse", "scratch"))
        for seed in ("1", "2")
    }
    for row in found.values():
        result = json.loads((out / row["folder"] / "result.json").read_text())
        assert result["settings"]["student"]["network"] == row["student"]
        assert result["settings"]["student"]["fit"]["seed"] == int(row["seed"])
        assert (result["teacher"] is None) == (row["strategy"] == "scratch")
        assert float(row["mae_float"]) == result["student"]["test_error_bpm"]["mae"]
        assert float(row["mae_int8"]) == result["student"]["int8"]["before"]["mae_int8"]
        for name in ("student.onnx", "student.toml", "student.calib.npz", "test.npz"):
            assert (out / row["folder"] / name).is_file()
    assert len({row["mae_float"] for row in found.values()}) == len(found)


def test_processes_end_cleanly(out: Path) -> None:
    logs = list(out.glob("*/*/log.txt"))
    assert len(logs) == 7
    assert not [log for log in logs if "Fatal" in log.read_text()]


def test_report_names_everything(out: Path) -> None:
    text = (out / "study.md").read_text()
    assert (
        "pulse by resnet2, decoupled: table loss.decoupled: the student answers with one heart rate" in text
    )
    assert "| resnet2 | as-given | resnet2 (seed 1) |" in text
    study = json.loads((out / "study.json").read_text())
    assert [row["folder"] for row in study["rows"]] == [row["folder"] for row in rows(out)]
    assert [(cost["student"], cost["board"], cost["error"]) for cost in study["costs"]] == [
        ("resnet1", "nucleo-l476rg", None),
        ("pulse", "nucleo-l476rg", None),
    ]
    for row in study["rows"]:
        subjects = row["mae_by_subject"]
        assert set(subjects) == {"synth_9000", "synth_9001"}
        # Both subjects have as many windows.
        assert sum(subjects.values()) / 2 == pytest.approx(row["mae_float"], abs=1e-3)
    for name in ("study.png", "study.svg"):
        assert (out / name).stat().st_size > 5_000


def test_both_seeds_had_the_same_teacher(out: Path) -> None:
    assert len(list((out / "teachers").glob("*.pt"))) == 1
    teachers = [
        json.loads((out / row["folder"] / "result.json").read_text())["teacher"]
        for row in rows(out)
        if row["teacher"]
    ]
    assert len(teachers) == 2 and teachers[0] == teachers[1]


def test_a_second_call_trains_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    first = (out / "study.csv").read_bytes()
    assert main([str(CONFIG), "--out", str(out)]) == 0
    assert "7 of 7 were finished before" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in out.rglob("result.json")} == before
    assert (out / "study.csv").read_bytes() == first


def test_what_fails_is_named_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A teacher that diverges takes its students along; the one from scratch and the one that is ended are apart."""
    text = CONFIG.read_text().replace("seeds = [1, 2]", "seeds = [1]")
    text = text.replace("train_subjects = 4", "train_subjects = 2").replace("= 60.0", "= 20.0")
    head, teacher = text.split("[[teacher]]")
    teacher = teacher.replace("dropout = 0.0 }", "dropout = 0.0, learning_rate = 1e30 }")
    (tmp_path / "study.toml").write_text(head + "[[teacher]]" + teacher)
    assert main([str(tmp_path / "study.toml"), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 10
    printed = capsys.readouterr()
    assert "teacher resnet2, as-given: the training diverged" in printed.out
    assert "its teacher: the training diverged" in printed.err
    assert {row["strategy"] for row in rows(tmp_path / "out")} == {"scratch"}
