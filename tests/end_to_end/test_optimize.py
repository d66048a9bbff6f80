"""build --optimize and --explain on the demo student, as a user would run them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import copy_demo, ppg_deploy, requires_compiler, succeeded

pytestmark = requires_compiler

# pulse_s6 with TFLM and CMSIS-NN takes 101,524 bytes; this is the promise for a network of the same shape.
LARGEST_SMALL_IMAGE = 42_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("optimize"))
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    return folder


def _read(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "build" / name).read_text()))


def _build(folder: Path, *options: str) -> str:
    return succeeded(ppg_deploy("build", "--board", "nucleo-l4", *options, folder=folder)).stdout


def test_the_smallest_image_is_small_exact_and_not_slow(folder: Path) -> None:
    _build(folder, "--optimize", "size")
    size = _read(folder, "firmware/size.json")
    assert size["flash_code_bytes"] + size["flash_constants_bytes"] <= LARGEST_SMALL_IMAGE
    assert _read(folder, "firmware/manifest.json")["optimize"] == "size"
    assert _read(folder, "firmware/operators.json")["optimize"] == "size"
    succeeded(ppg_deploy("bench", "--emulator", "unicorn", "--count", "2", folder=folder))
    report = _read(folder, "report.json")
    assert report["outputs"]["compared"] == 160
    assert report["outputs"]["mismatched"] == 0
    assert report["firmware"]["optimize"] == "size"
    assert report["cost"]["cycles_estimated"]["median"] <= 1.6 * report["model"]["macs"]
    operators = [share for share in report["cost"]["by_operator"] if share["macs"] is not None]
    assert len(operators) == 15


def test_explanation_agrees_with_the_image(folder: Path) -> None:
    printed = json.loads(_build(folder, "--optimize", "speed", "--explain", "--json"))
    written = _read(folder, "firmware/explain.json")
    assert printed == written
    size = _read(folder, "firmware/size.json")
    assert written["optimize"] == "speed"
    assert written["constant_bytes"] <= size["flash_constants_bytes"] <= written["constant_bytes"] + 15
    assert written["arena_bytes"] == size["arena_bytes"]
    assert [step["index"] for step in written["steps"]] == list(range(15))
    assert sum(step["macs"] for step in written["steps"]) == 3_383_328


def test_explanation_for_people(folder: Path) -> None:
    text = _build(folder, "--explain")
    for word in ("balanced", "CONV_2D", "proven", "cycles predicted", "arena"):
        assert word in text


def test_default_of_the_folder(folder: Path) -> None:
    (folder / "ppg.toml").write_text('[build]\noptimize = "speed"\n')
    _build(folder)
    assert _read(folder, "firmware/manifest.json")["optimize"] == "speed"
    (folder / "ppg.toml").write_text('[build]\noptimize = "quick"\n')
    refused = ppg_deploy("build", "--board", "nucleo-l4", folder=folder)
    assert refused.returncode == 2
    assert "build.optimize" in refused.stderr
