"""The folder of a result: written as a whole, and checked when it is read."""

import hashlib
import io
import json
import os
import stat
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy import files
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.results import EnergyTrace, Samples, load_result, newest_result, problems_of, write_result
from ppg_deploy.results.folder import folder_name, point_to
from ppg_deploy.results.samples import read_samples
from ppg_deploy.results.trace import read_trace
from tests.support.bench_results import emulated

NAME = "20261122T060000Z-nucleo-l476rg-student"


def few_samples() -> Samples:
    return Samples(
        y=np.array([[1], [2], [3]], np.int8), expected=np.array([[1], [2], [4]], np.int8), hr=np.full(3, 70.5)
    )


def every_sample() -> Samples:
    answers = np.array([[1, -2], [3, -4], [5, -6]], np.int16)
    return Samples(
        y=answers,
        expected=answers + 1,
        y_sliding=answers + 2,
        answered=np.array([True, False, True]),
        ticks=np.array([1, 2**32, 3]),
        timer_ticks=np.array([4, 5, 6]),
        counted=np.array([0, 2]),
        instructions=np.array([1000, 1001]),
        cycles_estimated=np.array([1200, 1201]),
        bpm=np.array([60.25, 61.5, 62.75]),
        bpm_filtered=np.array([60.0, 61.0, 62.0]),
        hr=np.array([59.0, 60.0, 61.0]),
        subject=np.array(["S1", "S1", "S15"]),
        start_s=np.array([0.0, 2.0, 4.0]),
    )


def trace() -> EnergyTrace:
    return EnergyTrace(
        time_s=np.array([0.0, 1e-5, 2e-5, 3e-5]),
        current_a=np.array([0.001, 0.01, 0.011, 0.001]),
        digital=np.array([0, 1, 1, 0], np.uint8),
        gates_s=np.array([[1e-5, 3e-5]]),
        supply_v=3.0,
        instrument="Nordic PPK2",
        gates_by="digital input",
    )


def equal(left: Any, right: Any) -> bool:
    """Whether two dataclasses hold the same arrays of the same types."""
    for field in fields(left):
        one, other = getattr(left, field.name), getattr(right, field.name)
        if isinstance(one, np.ndarray):
            if not (one.dtype == other.dtype and np.array_equal(one, other)):
                return False
        elif one != other:
            return False
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_result(tmp_path / "results", emulated(), few_samples(), trace())


def rewrite(folder: Path, name: str, data: bytes) -> None:
    """Another file of the same name, with a manifest that fits it."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    report = emulated(resumed_windows=3)
    read = load_result(write_result(tmp_path, report, every_sample(), trace()))
    assert read.report == report
    assert equal(read.samples, every_sample())
    assert read.trace is not None and equal(read.trace, trace())


def test_what_was_not_measured_is_none_again(tmp_path: Path) -> None:
    folder = write_result(tmp_path, emulated(), few_samples())
    read = load_result(folder)
    assert equal(read.samples, few_samples())
    assert read.trace is None
    assert {path.name for path in folder.iterdir()} == {"result.json", "samples.npz", "manifest.json"}


def test_plain_tools_read_the_files(folder: Path) -> None:
    assert folder.name == NAME
    assert json.loads((folder / "result.json").read_text())["model"]["name"] == "student"
    with np.load(folder / "samples.npz", allow_pickle=False) as samples:
        assert set(samples.files) == {"y_int8", "expected", "hr"}
        assert samples["y_int8"].tolist() == [[1], [2], [3]]
    with np.load(folder / "energy.npz", allow_pickle=False) as energy:
        assert energy["current_a"].tolist() == [0.001, 0.01, 0.011, 0.001]


def test_the_manifest_has_the_sha256_of_every_other_file(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()} - {"manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest == {
        "schema": 1,
        "made_by": "ppg-deploy",
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    assert names == {"result.json", "samples.npz", "energy.npz"}


@pytest.mark.parametrize("name", ["result.json", "samples.npz", "energy.npz"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert problems_of(folder) == (f"{folder / name} was changed after the bench",)
    with pytest.raises(InputError, match=f"{name} was changed"):
        load_result(folder)


def test_missing_files_are_all_named(folder: Path) -> None:
    (folder / "samples.npz").unlink()
    (folder / "energy.npz").unlink()
    with pytest.raises(InputError) as raised:
        load_result(folder)
    assert f"{folder / 'samples.npz'} is missing" in raised.value.message
    assert f"{folder / 'energy.npz'} is missing" in raised.value.message


def test_a_manifest_that_leaves_the_samples_out(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["samples.npz"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json does not name samples\.npz"):
        load_result(folder)


def test_a_file_of_the_users_own_is_no_problem(folder: Path) -> None:
    (folder / "notes.txt").write_text("looked at by hand")
    assert problems_of(folder) == ()


@pytest.mark.parametrize("name", ["../secret", ".hidden", "a/b"])
def test_a_manifest_names_files_of_its_own_folder_only(folder: Path, name: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="not a result's manifest"):
        problems_of(folder)


def test_no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"has no manifest\.json"):
        load_result(folder)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such result"):
        load_result(tmp_path / "elsewhere")


def test_another_version_of_the_result(folder: Path) -> None:
    fields = json.loads((folder / "result.json").read_text())
    rewrite(folder, "result.json", json.dumps({**fields, "schema_version": 2}).encode())
    with pytest.raises(InputError, match=r"result\.json: field schema_version") as raised:
        load_result(folder)
    assert "another version of ppg-deploy" in str(raised.value.hint)


def test_another_version_of_the_manifest(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema": 2}))
    with pytest.raises(InputError, match=r"manifest\.json is not a result's manifest: schema:"):
        load_result(folder)


def test_a_result_with_an_unknown_or_without_a_known_field(folder: Path) -> None:
    fields = json.loads((folder / "result.json").read_text())
    rewrite(folder, "result.json", json.dumps({**fields, "mood": "good"}).encode())
    with pytest.raises(InputError, match="field mood"):
        load_result(folder)
    del fields["memory"]["arena"]
    rewrite(folder, "result.json", json.dumps(fields).encode())
    with pytest.raises(InputError, match=r"field memory\.arena"):
        load_result(folder)


Y = np.zeros((3, 1), np.int8)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_int8": Y, "expected": Y, "mood": Y}, "unknown array mood"),
        ({"y_int8": Y, "expected": Y, "y": Y}, r"unknown array y$"),
        ({"y_int8": Y, "expected": Y[:2]}, "array expected has 2 rows, expected 3"),
        ({"y_int8": Y, "expected": Y, "ticks": np.zeros(4, np.int64)}, "array ticks has 4 rows, expected 3"),
        ({"y_int8": Y, "expected": Y, "hr": np.array(70.0)}, "array hr has 0 rows, expected 3"),
        (
            {"y_int8": Y, "expected": Y, "counted": np.arange(2), "instructions": np.arange(3)},
            "array instructions has 3 rows, expected 2",
        ),
        ({"y_int8": Y, "expected": Y, "instructions": np.arange(3)}, "array instructions has 3 rows"),
        ({"y_int8": Y}, "lacks y_int8 .* or expected"),
        ({"expected": Y}, "lacks y_int8"),
        ({"y_int8": Y, "y_int16": Y, "expected": Y}, "lacks y_int8"),
        ({"y_int8": np.array(1, np.int8), "expected": Y}, "array expected has 3 rows, expected 0"),
        ({"y_int8": np.array([{}, {}, {}], object), "expected": Y}, "cannot be read"),
    ],
)
def test_samples_that_do_not_fit(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_samples(save(tmp_path / "samples.npz", **arrays))


def test_samples_that_are_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    for data in (b"", b"PK\x03\x04 and no more", _npy()):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"samples\.npz cannot be read"):
            read_samples(path)


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, Y)
    return stream.getvalue()


@pytest.mark.parametrize("missing", [field.name for field in fields(EnergyTrace)])
def test_a_trace_that_lacks_an_array(tmp_path: Path, missing: str) -> None:
    arrays = {name: array for name, array in trace().arrays().items() if name != missing}
    with pytest.raises(InputError, match=f"not an energy trace: .*{missing}"):
        read_trace(save(tmp_path / "energy.npz", **arrays))


def test_a_trace_of_two_lengths(tmp_path: Path) -> None:
    arrays = {**trace().arrays(), "current_a": np.zeros(3)}
    with pytest.raises(InputError, match="of one length"):
        read_trace(save(tmp_path / "energy.npz", **arrays))


def test_results_of_the_same_second_have_names_of_their_own(tmp_path: Path) -> None:
    names = [write_result(tmp_path, emulated(), few_samples()).name for _ in range(3)]
    assert names == [NAME, f"{NAME}-2", f"{NAME}-3"]
    assert all(load_result(tmp_path / name).report == emulated() for name in names)


def test_an_empty_folder_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert write_result(tmp_path, emulated(), few_samples()).name == f"{NAME}-2"
    assert list((tmp_path / NAME).iterdir()) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("student", "student"),
        ("../../etc/passwd", "etc-passwd"),
        ("my student (v2), 50 %", "my-student-v2-50"),
        ("Schüler/Ä", "Sch-ler"),
        (".hidden", "hidden"),
        ("模型", "model"),
        ("", "model"),
        ("x" * 200, "x" * 60),
    ],
)
def test_names_of_folders(tmp_path: Path, model: str, expected: str) -> None:
    report = emulated(model__name=model)
    assert folder_name(report) == f"20261122T060000Z-nucleo-l476rg-{expected}"
    folder = write_result(tmp_path, report, few_samples())
    assert folder.parent == tmp_path
    assert load_result(folder).report.model.name == model


def test_the_time_in_the_name_is_utc() -> None:
    report = emulated(created="2026-11-22T01:30:00+02:00")
    assert folder_name(report).startswith("20261121T233000Z-")


def test_the_newest_is_that_of_the_latest_time(tmp_path: Path) -> None:
    newest = write_result(tmp_path, emulated(created="2026-11-22T08:00:00+00:00"), few_samples())
    write_result(tmp_path, emulated(created="2026-11-22T07:59:59+00:00", board="zzz"), few_samples())
    (tmp_path / "unfinished-firmware.journal").write_text("")
    (tmp_path / ".unfinished-abc").mkdir()
    (tmp_path / "99991231T000000Z-empty").mkdir()
    assert newest_result(tmp_path) == newest


def test_the_newest_of_one_second_is_the_one_written_last(tmp_path: Path) -> None:
    folders = [write_result(tmp_path, emulated(), few_samples()) for _ in range(11)]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    assert newest_result(tmp_path).name == f"{NAME}-11"


def test_no_results_yet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results"):
        newest_result(tmp_path)


def test_links_are_relative_and_replaced(tmp_path: Path) -> None:
    first = write_result(tmp_path / "build" / "results", emulated(), few_samples())
    second = write_result(
        tmp_path / "build" / "results", emulated(created="2026-11-22T08:00:00+00:00"), few_samples()
    )
    link = tmp_path / "build" / "report.json"
    link.write_text("a plain file of an older version")
    point_to(link, first / "result.json")
    assert os.readlink(link) == f"results/{first.name}/result.json"
    assert load_result(link).folder == first.resolve()
    point_to(link, second / "result.json")
    assert load_result(link).folder == second.resolve()
    assert (first / "result.json").is_file()
    # The whole folder may be moved.
    moved = tmp_path / "moved"
    (tmp_path / "build").rename(moved)
    assert load_result(moved / "report.json").folder == (moved / "results" / second.name).resolve()
    assert {path.name for path in moved.iterdir()} == {"results", "report.json"}


def test_a_link_to_nothing_is_no_result(tmp_path: Path) -> None:
    link = tmp_path / "report.json"
    point_to(link, tmp_path / "results" / "gone" / "result.json")
    with pytest.raises(InputError, match="no such result"):
        load_result(link)


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(EnvironmentProblem, match="symbolic link"):
        point_to(tmp_path / "report.json", tmp_path / "results" / "a" / "result.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails", ["write_npz", "sha256_of_file"])
@pytest.mark.parametrize("error", [EnvironmentProblem("disk full", hint="free some"), KeyboardInterrupt()])
def test_nothing_half_written_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patches:
        patches.setattr(files, fails, fail)
        with pytest.raises(type(error)):
            write_result(tmp_path, emulated(), few_samples(), trace())
    assert list(tmp_path.iterdir()) == []
    # The name is free for the next one.
    assert write_result(tmp_path, emulated(), few_samples()).name == NAME


def test_the_name_appears_only_with_everything_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    write_text = files.write_text

    def watch(path: Path, text: str) -> None:
        seen.append([entry.name for entry in tmp_path.iterdir() if not entry.name.startswith(".")])
        write_text(path, text)

    monkeypatch.setattr(files, "write_text", watch)
    write_result(tmp_path, emulated(), few_samples())
    assert seen == [[], []]  # result.json and manifest.json


def test_others_may_read_it(folder: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((folder / "result.json").stat().st_mode) == 0o666 & ~umask


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        write_result(tmp_path / "results", emulated(), few_samples())
