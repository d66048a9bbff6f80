"""A file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.files import write_bytes


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.bin"
    write_bytes(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(EnvironmentProblem, match=r"model\.bin: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.bin"]


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.bin").mkdir()
    with pytest.raises(EnvironmentProblem, match=r"model\.bin: Is a directory"):
        write_bytes(tmp_path / "model.bin", b"new")
    assert len(list(tmp_path.iterdir())) == 1
