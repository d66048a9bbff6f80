"""Which trainings a study file asks for."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.study.grid import Grid, data_of_splits, grid_of
from models.study.settings import StudySettings, read_study
from models.study.table import SCRATCH
from ppg_deploy.errors import InputError
from tests.support.commands import REPOSITORY

FIT = {"epochs": 1, "patience": 1}
RECORDINGS = {
    "recordings": {"sources": [{"name": "dalia", "folder": "d"}], "split": {"kind": "k-fold", "fold": 1}}
}
FIELDS: dict[str, Any] = {
    "name": "test",
    "data": RECORDINGS,
    "splits": [{"kind": "k-fold", "fold": 1}, {"kind": "k-fold", "fold": 2}],
    "seeds": [3, 5],
    "student": [
        {"network": "resnet1", "fit": FIT, "scratch": {"sigma_bpm": 1.5}},
        {"network": "pulse", "ppg": "window", "fit": {**FIT, "seed": 77}},
    ],
    "teacher": [
        {"name": "bins", "networks": ["resnet2"], "fit": FIT},
        {"name": "rates", "networks": ["pulse-teacher"], "fit": FIT, "students": ["pulse"]},
    ],
    "strategy": [
        {"name": "dkd", "loss": {"hard": {}, "decoupled": {}}, "students": ["resnet1"]},
        {"name": "published", "loss": {"pulse": {}}},
    ],
}
HASHES = {"fold1of5-s1": {"train": "a"}, "fold2of5-s1": {"train": "b"}}


def study(**changes: Any) -> StudySettings:
    return StudySettings.model_validate({**FIELDS, **changes})


def grid(settings: StudySettings, hashes: dict[str, dict[str, str]] = HASHES) -> Grid:
    return grid_of(settings, data_of_splits(settings), hashes)


def test_every_combination_that_fits_once() -> None:
    points = grid(study()).points
    combinations = [(point.student, point.teacher, point.strategy) for point in points[:5]]
    # PULSE's hidden layer has 32 numbers, the residual teacher's and student's 32 channels as well.
    assert combinations == [
        ("resnet1", None, SCRATCH),
        ("resnet1", "bins", "dkd"),
        ("resnet1", "bins", "published"),
        ("pulse", None, SCRATCH),
        ("pulse", "bins", "published"),
    ]
    assert len(points) == 4 * len({(point.student, point.teacher, point.strategy) for point in points})
    assert len({point.folder for point in points}) == len({point.identity for point in points}) == len(points)


def test_replicates_are_whole_one_after_the_other() -> None:
    replicates = [(point.split, point.seed) for point in grid(study()).points]
    assert list(dict.fromkeys(replicates)) == [
        ("fold1of5-s1", 3),
        ("fold1of5-s1", 5),
        ("fold2of5-s1", 3),
        ("fold2of5-s1", 5),
    ]
    assert replicates == sorted(replicates)


def test_scratch_learns_from_its_own_labels_without_a_teacher() -> None:
    first = grid(study()).points[0].settings
    assert first.teacher is None and not first.loss.needs_teacher
    assert first.loss.hard is not None and first.loss.hard.sigma_bpm == 1.5


def test_seed_and_split_reach_the_training() -> None:
    pulse = [point for point in grid(study()).points if point.student == "pulse"]
    for point in pulse:
        assert point.settings.student.fit.seed == point.seed
        assert point.settings.student.ppg == "window"
        recordings = point.settings.data.recordings
        assert recordings is not None and point.split.startswith(f"fold{recordings.split.fold}")  # type: ignore[union-attr]


def test_what_cannot_be_trained_is_left_out_with_its_reason() -> None:
    settings = study(strategy=[{"name": "dkd", "loss": {"decoupled": {}}}])
    found = grid(settings)
    assert {(left.student, left.teacher) for left in found.left_out} == {
        ("pulse", "bins"),
        ("pulse", "rates"),
    }
    assert all("one heart rate" in left.reason for left in found.left_out)
    assert not [point for point in found.points if point.student == "pulse" and point.teacher]


def test_identity_follows_settings_and_windows_only() -> None:
    def identities(settings: StudySettings, hashes: dict[str, dict[str, str]] = HASHES) -> set[str]:
        return {point.identity for point in grid(settings, hashes).points}

    before = identities(study())
    elsewhere = {
        "recordings": {**RECORDINGS["recordings"], "sources": [{"name": "dalia", "folder": "other"}]}
    }
    assert identities(study(data=elsewhere)) == before
    other_windows = identities(study(), {**HASHES, "fold2of5-s1": {"train": "c"}})
    assert len(before & other_windows) == len(before) // 2
    assert not before & identities(study(calibration_windows=99))
    teachers = {point.teacher_identity for point in grid(study()).points if point.teacher}
    assert len(teachers) == 2 * len(HASHES), "a teacher that has seen another split's test subjects"
    # One seed more leaves all others as they are.
    assert before < identities(study(seeds=[3, 4, 5]))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"student": [FIELDS["student"][0]] * 2}, "student.network: each only once"),
        ({"seeds": [1, 1]}, "seeds: each only once"),
        ({"strategy": [{"name": "scratch", "loss": {"soft": {}}}]}, "scratch"),
        ({"strategy": [{"name": "labels", "loss": {"hard": {}}}]}, "teacher's losses"),
        ({"strategy": []}, "belong together"),
        ({"teacher": [{**FIELDS["teacher"][0], "students": ["resnet9"]}]}, "resnet9"),
        ({"data": {"files": {"train": "a", "validation": "b", "test": "c"}}}, "splits"),
        ({"name": "a/b"}, "name"),
        ({"seeds": [-1]}, "seeds"),
        ({"student": [{"network": "resnet1", "fit": FIT, "scratch": {"labels": 0.5}}]}, "nobody teaches"),
        ({"teacher": [{**FIELDS["teacher"][0], "hard": {"labels": 0.5}}]}, "nobody teaches"),
        ({"splits": [{"kind": "k-fold", "seed": -1}]}, "seed"),
        ({"curve": {"students": ["pulse", "resnet9"]}}, "curve: students: 'resnet9'"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        study(**changes)


def test_an_unknown_network_and_a_split_twice_are_named() -> None:
    with pytest.raises(InputError, match="resnet99"):
        grid(study(student=[{"network": "resnet99", "fit": FIT}], teacher=[], strategy=[]))
    # Not left out like a combination that does not fit: nobody would notice before the report.
    with pytest.raises(InputError, match="resnet99"):
        grid(study(teacher=[{"name": "bins", "networks": ["resnet2", "resnet99"], "fit": FIT}]))
    with pytest.raises(InputError, match="the same"):
        grid(study(splits=[{"kind": "k-fold", "fold": 1}, {"kind": "k-fold", "fold": 1}]))


def test_shipped_studies_are_valid_and_leave_nothing_out_by_mistake() -> None:
    left_out = set()
    for path in sorted((REPOSITORY / "models" / "study" / "configs").glob("*.toml")):
        settings = read_study(path)
        data = data_of_splits(settings)
        found = grid_of(settings, data, {name: {} for name in data})
        left_out |= {(path.stem, left.student, left.teacher, left.strategy) for left in found.left_out}
    # The smoke study shows what a report says of such a combination.
    assert left_out == {("smoke", "pulse", "resnet2", "decoupled")}


def test_folders_are_absolute_for_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every training has a working directory of its own."""
    (tmp_path / "sub").mkdir()
    text = (REPOSITORY / "models" / "study" / "configs" / "shared.toml").read_text()
    (tmp_path / "sub" / "study.toml").write_text(text.replace("../../../../shared/data", "../recordings"))
    monkeypatch.chdir(tmp_path)
    recordings = read_study(Path("sub/study.toml")).data.recordings
    assert recordings is not None
    assert recordings.sources[0].folder == tmp_path / "sub" / ".." / "recordings"


def test_a_file_that_is_no_study_is_named(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text("name = 'a'\nseed = [1]")
    with pytest.raises(InputError, match=r"study\.toml.*seed"):
        read_study(path)
    path.write_text((REPOSITORY / "models/study/configs/smoke.toml").read_text().replace("[1, 2]", "[-1]"))
    with pytest.raises(InputError, match=r"seeds\.0: Input should be greater than or equal to 0$"):
        read_study(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_study(tmp_path / "none.toml")
