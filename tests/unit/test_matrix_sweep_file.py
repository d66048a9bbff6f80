"""Sweep files: what is wrong is named, and what a point depends on changes its identity."""

import shutil
from pathlib import Path

import pytest

from ppg_deploy.errors import InputError
from ppg_deploy.matrix import SweepFile, load_sweep_file
from ppg_deploy.matrix.points import Point, points_of
from tests.support.commands import DEMO

HEAD = 'schema = 1\nname = "s"\n'
MODEL = '[[model]]\nname = "int8"\nonnx = "student.onnx"\n'
MATRIX = '[matrix]\nboards = ["nucleo-l4"]\n'


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    for name in ("student.onnx", "student.toml", "student.calib.npz", "test.npz"):
        shutil.copy(DEMO / name, tmp_path / name)
    return tmp_path


def points(folder: Path, text: str) -> tuple[Point, ...]:
    (folder / "sweep.toml").write_text(text)
    return points_of(load_sweep_file(folder / "sweep.toml"), folder / "build", None)


def test_shipped_example_is_twelve_points() -> None:
    found = points_of(load_sweep_file(DEMO / "sweep.toml"), Path("build"), None)
    assert len(found) == 12
    assert len({point.identity for point in found}) == len({point.folder for point in found}) == 12
    assert {point.model.entry.name for point in found} == {"int8", "int16x8"}


def test_every_combination_once(demo: Path) -> None:
    text = HEAD + MODEL + '[matrix]\nboards = ["nucleo-l4", "nrf52840-dk"]\nruntimes = ["tflm", "aot"]\n'
    text += 'optimize = ["speed", "size"]\nhop = ["none", "auto", 32]\nram_budget = ["none", 9000]\n'
    found = points(demo, text)
    # Of each board, tflm once (it has no such options) and aot 2 x 3 x 2 times.
    assert len(found) == 2 * (1 + 12)
    combined = {(p.board, p.runtime, p.optimize, p.hop, p.ram_budget) for p in found}
    assert len(combined) == len(found)
    assert ("nucleo-l476rg", "tflm", None, None, None) in combined
    assert ("nrf52840-dk", "aot", "size", "auto", 9000) in combined


def test_files_beside_the_model_are_found(demo: Path) -> None:
    (entry,) = load_sweep_file_of(demo, HEAD + MODEL + MATRIX).model
    assert entry.card == demo / "student.toml"
    assert entry.calibration == entry.data == demo / "student.calib.npz"


def load_sweep_file_of(folder: Path, text: str) -> SweepFile:
    (folder / "sweep.toml").write_text(text)
    return load_sweep_file(folder / "sweep.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema = 2\n" + MODEL + MATRIX, "field schema"),
        (HEAD + MODEL + MATRIX + "surprise = 1\n", "matrix.surprise"),
        (HEAD + MATRIX, "field model"),
        (HEAD + MODEL + MODEL + MATRIX, "model.name: 'int8' stands twice"),
        (HEAD + MODEL + MATRIX + 'optimize = ["size", "size"]\n', "optimize: 'size' stands twice"),
        (HEAD + '[[model]]\nname = "x"\n' + MATRIX, "give either onnx or tflite"),
        (HEAD + '[[model]]\nname = "x"\ntflite = "x"\n' + MATRIX, "a .tflite needs data"),
        (HEAD + '[[model]]\nname = "x"\ntflite = "x"\nmethod = "mse"\n' + MATRIX, "leave out method"),
        (HEAD + '[[model]]\nname = "x"\nonnx = "no.onnx"\n' + MATRIX, "no.onnx does not exist"),
        (HEAD + '[[model]]\nname = "../x"\nonnx = "student.onnx"\n' + MATRIX, "model.0.name"),
        (HEAD + MODEL + MATRIX + '[bench]\nemulator = "qemu"\ntiming_model = "x"\n', "needs the emulator"),
        (HEAD + MODEL + '[matrix]\nboards = ["nucleo-l4", "nucleo-l476rg"]\n', "nucleo-l476rg stands twice"),
        (HEAD + MODEL + MATRIX + '[bench]\nemulator = "qemu"\n', "qemu has no model of board nucleo-l476rg"),
        (HEAD + MODEL + MATRIX + '[bench]\nports = { nrf52840-dk = "/dev/x" }\n', "not among matrix.boards"),
        (HEAD + MODEL + MODEL.replace("int8", "same") + MATRIX, "models int8 and same are the same"),
    ],
)
def test_mistakes_are_named(demo: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        points(demo, text)
    assert words in caught.value.message


def test_identity_is_of_contents_not_of_places(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (here,) = points(demo, HEAD + MODEL + MATRIX)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(demo, elsewhere, dirs_exist_ok=True)
    (there,) = points(
        elsewhere, HEAD.replace('"s"', '"t"') + MODEL + MATRIX.replace("nucleo-l4", "nucleo-l476rg")
    )
    assert there.identity == here.identity


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('onnx = "student.onnx"\n', 'onnx = "student.onnx"\nmethod = "mse"\n'),
        ('onnx = "student.onnx"\n', 'onnx = "student.onnx"\nint16x8 = true\n'),
        ('onnx = "student.onnx"\n', 'onnx = "student.onnx"\ndata = "test.npz"\n'),
        ("nucleo-l4", "nrf52840-dk"),
        (MATRIX, MATRIX + 'optimize = ["size"]\n'),
        (MATRIX, MATRIX + "hop = [64]\n"),
        (MATRIX, MATRIX + "ram_budget = [9000]\n"),
        (MATRIX, MATRIX + "[bench]\ncount = 3\n"),
        (MATRIX, MATRIX + '[bench]\nemulator = "renode"\n'),
        (MATRIX, MATRIX + '[bench]\nports = { nucleo-l4 = "/dev/x" }\n'),
        (MATRIX, MATRIX + '[bench]\ntiming_model = "cortex-m4"\n'),
    ],
)
def test_every_setting_changes_the_identity(demo: Path, old: str, new: str) -> None:
    text = HEAD + MODEL + MATRIX
    assert old in text
    (before,), (after,) = points(demo, text), points(demo, text.replace(old, new))
    assert before.identity != after.identity
    assert before.folder != after.folder


@pytest.mark.parametrize("name", ["student.onnx", "student.toml", "student.calib.npz"])
def test_every_file_changes_the_identity(demo: Path, name: str) -> None:
    (before,) = points(demo, HEAD + MODEL + MATRIX)
    with (demo / name).open("ab") as stream:
        stream.write(b"\n")
    (after,) = points(demo, HEAD + MODEL + MATRIX)
    assert before.identity != after.identity


def test_limits_do_not_change_the_identity(demo: Path) -> None:
    """How long a point may take says nothing about its figures."""
    (before,) = points(demo, HEAD + MODEL + MATRIX)
    (after,) = points(demo, HEAD + MODEL + MATRIX + "[limits]\npoint_s = 7\n")
    assert before.identity == after.identity
