"""Which trainings a study starts, in which order, and what it makes of earlier results. Nothing is trained here."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.study import run
from models.study.result import StudyResult
from models.study.run import run_study
from models.study.settings import StudySettings
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.errors import EnvironmentProblem

FIT = {"epochs": 1, "patience": 1}
STUDY = StudySettings.model_validate(
    {
        "name": "test",
        "data": {
            "synthetic": {
                "train_first_seed": 1,
                "train_subjects": 1,
                "validation_first_seed": 2,
                "validation_subjects": 1,
                "test_first_seed": 3,
                "test_subjects": 1,
                "seconds_per_subject": 10.0,
            }
        },
        "seeds": [1],
        "student": [{"network": "resnet1", "fit": FIT}, {"network": "pulse", "fit": FIT}],
        "teacher": [{"name": "bins", "networks": ["resnet2"], "fit": FIT}],
        "strategy": [{"name": "soft", "loss": {"soft": {}}}, {"name": "dkd", "loss": {"decoupled": {}}}],
    }
)
ALL = [
    "teacher bins, as-given",
    "resnet1, scratch, as-given, seed 1",
    "pulse, scratch, as-given, seed 1",
    "resnet1 by bins, soft, as-given, seed 1",
    "resnet1 by bins, dkd, as-given, seed 1",
    "pulse by bins, soft, as-given, seed 1",
]
TEACHER = {"members": [], "validation_mae": 3.5, "entropy": None}
STUDENT = {
    "student": {
        "parameters": 10,
        "test_error_bpm": {"windows": 2, "mae": 1.5, "mae_constant": 4.0, "mae_by_subject": {"synth_3": 1.5}},
        "int8": {"before": {"mae_int8": 1.75, "model_bytes": 99}},
        "training": {"best_epoch": 1, "epochs": 1},
    }
}


class Trainings:
    """Takes the place of the processes: writes results, or fails by name."""

    def __init__(self, fail: Callable[[str], bool] = lambda _: False) -> None:
        self.started: list[str] = []
        self.limits: dict[str, float] = {}
        self._fail = fail

    def __call__(self, job: Any, cancelled: threading.Event) -> str | None:
        assert not cancelled.is_set()
        self.started.append(job.name)
        self.limits[job.job.kind] = job.limit_s
        # Every process has a working directory of its own.
        assert job.job.cache.is_absolute()
        if self._fail(job.name):
            return "broken"
        job.folder.mkdir(parents=True, exist_ok=True)
        content = TEACHER if job.name.startswith("teacher") else STUDENT
        (job.folder / job.result).write_text(json.dumps(content))
        return None


def studied(
    out: Path, monkeypatch: pytest.MonkeyPatch, trainings: Trainings, said: list[str] | None = None
) -> StudyResult:
    monkeypatch.setattr(run, "_run_one", trainings)
    return run_study(STUDY, out, jobs=1, say=[].append if said is None else said.append)


def test_teachers_come_first_and_nothing_is_trained_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Trainings(), Trainings()
    said: list[str] = []
    result = studied(tmp_path, monkeypatch, first, said)
    assert first.started == ALL
    assert [(row.student, row.strategy, row.mae_float, row.mae_int8) for row in result.rows] == [
        ("resnet1", "scratch", 1.5, 1.75),
        ("resnet1", "soft", 1.5, 1.75),
        ("resnet1", "dkd", 1.5, 1.75),
        ("pulse", "scratch", 1.5, 1.75),
        ("pulse", "soft", 1.5, 1.75),
    ]
    assert [(teacher.name, teacher.facts) for teacher in result.teachers] == [("bins", TEACHER)]
    # What cannot be trained is said at once, not only in the report.
    assert said[0].startswith("left out: pulse by bins, dkd: ")
    assert studied(tmp_path, monkeypatch, second) == result
    assert second.started == []


def test_a_relative_folder_and_each_ones_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trainings = Trainings()
    result = studied(Path("out"), monkeypatch, trainings)
    assert trainings.limits == {"teacher": 86_400.0, "student": 43_200.0}
    assert all((tmp_path / "out" / row.folder / "result.json").is_file() for row in result.rows)


def test_a_failed_teacher_takes_its_students_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = Trainings(fail=lambda name: name.startswith("teacher"))
    result = studied(tmp_path, monkeypatch, trainings)
    assert trainings.started == ALL[:3]
    assert [row.strategy for row in result.rows] == ["scratch", "scratch"]
    assert {(failure.training, failure.reason) for failure in result.failures} == {
        (name, "its teacher: broken") for name in ALL[3:]
    }


@pytest.mark.parametrize("damage", [b"", b'{"student": {"par', b"\xff\xfe", b"[1]", b'{"other": 1}'])
@pytest.mark.parametrize("which", [("students", "result.json"), ("teacher-jobs", "teacher.json")])
def test_a_damaged_result_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes, which: tuple[str, str]
) -> None:
    before = studied(tmp_path, monkeypatch, Trainings())
    folder, name = which
    path = min((tmp_path / folder).glob(f"*/{name}"))
    path.write_bytes(damage)
    again = Trainings()
    assert studied(tmp_path, monkeypatch, again) == before
    assert len(again.started) == 1


def test_the_folder_is_one_studys_at_a_time_and_must_be_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_LOCK_SECONDS", 0.1)
    with (
        folder_lock(tmp_path / ".lock", limit_s=0.1),
        pytest.raises(EnvironmentProblem, match="another process runs a study in"),
    ):
        studied(tmp_path, monkeypatch, Trainings())
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match=r"cannot write .*file"):
        studied(tmp_path / "file", monkeypatch, Trainings())
