"""The mission's three commands, as they are written in the README, in a folder that holds student.onnx."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, requires_qemu, succeeded

pytestmark = requires_compiler


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("a student's folder"))
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    succeeded(ppg_deploy("bench", "--emulator", "unicorn", folder=folder))
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "build" / "report.json").read_text()))


def test_files_are_where_the_documentation_says(folder: Path) -> None:
    for name in (
        "model.tflite",
        "quantize.json",
        "firmware/firmware.elf",
        "firmware/size.json",
        "firmware/platformio.ini",
        "report.json",
        "outputs.npz",
    ):
        assert (folder / "build" / name).is_file(), name
    leftovers = [
        path for path in (folder / "build").rglob(".*.*") if path.is_file() and ".pio" not in path.parts
    ]
    assert [path.name for path in leftovers if path.name != ".gitignore"] == []


def test_report(folder: Path) -> None:
    report = report_of(folder)
    windows = len(np.load(DEMO / "student.calib.npz")["x"])
    assert report["outputs"]["compared"] == windows
    assert report["outputs"]["mismatched"] == 0
    assert report["board"] == "nucleo-l476rg"
    assert report["emulator"] == "unicorn"
    assert report["runtime"] == "aot"
    assert report["accuracy"]["mae_device"] == report["accuracy"]["mae_int8"]
    assert abs(report["accuracy"]["mae_int8"] - report["accuracy"]["mae_float"]) < 0.5
    for figure in ("instructions", "cycles_estimated"):
        spread = report["cost"][figure]
        assert 0 < spread["min"] <= spread["median"] <= spread["p95"] <= spread["max"]
        assert spread["first"] > 0
    # An emulator measures no time.
    assert report["cost"]["cycles"] is None
    assert report["cost"]["latency_ms"] is None
    assert report["model"]["macs"] == 3_383_328
    assert report["device"]["counter"] == "dwt"
    assert report["device"]["problems"] == []
    assert {"ppg-deploy", "numpy", "unicorn"} <= set(report["tool_versions"])


def test_costs_add_up(folder: Path) -> None:
    cost = report_of(folder)["cost"]
    for parts in ("by_operator", "by_function"):
        total = sum(share["instructions"] for share in cost[parts])
        assert cost["instructions"]["min"] <= total <= cost["instructions"]["max"]
    assert sum(share["macs"] or 0 for share in cost["by_operator"]) == 3_383_328


def test_memory_agrees_with_the_elf(folder: Path) -> None:
    memory = report_of(folder)["memory"]
    with (folder / "build" / "firmware" / "firmware.elf").open("rb") as stream:
        elf = ELFFile(stream)
        symbol = elf.get_section_by_name(".symtab").get_symbol_by_name("ppg_model_arena")[0]
        in_ram = sum(
            section["sh_size"]
            for section in elf.iter_sections()
            if section["sh_flags"] & 2 and 0x20000000 <= section["sh_addr"] < 0x20018000
        )
    assert memory["arena"] == symbol["st_size"]
    assert memory["ram_static"] + memory["stack_reserved"] == pytest.approx(in_ram, abs=16)
    assert memory["flash"] == (folder / "build" / "firmware" / "firmware.bin").stat().st_size
    assert 0 < memory["stack_high_water"] < memory["stack_reserved"]


def test_outputs_file(folder: Path) -> None:
    outputs = np.load(folder / "build" / "outputs.npz")
    assert outputs["y_int8"].dtype == np.int8
    assert outputs["y_int8"].shape == (160, 1)
    hr = np.load(DEMO / "student.calib.npz")["hr"]
    assert np.abs(outputs["bpm"] - hr).mean() == pytest.approx(report_of(folder)["accuracy"]["mae_device"])


def test_quantize_is_repeatable(folder: Path, tmp_path: Path) -> None:
    copy_demo(tmp_path)
    succeeded(ppg_deploy("quantize", "student.onnx", "--out", "elsewhere", folder=tmp_path))
    first = (folder / "build" / "model.tflite").read_bytes()
    assert (tmp_path / "elsewhere" / "model.tflite").read_bytes() == first


def test_json_is_the_report(folder: Path) -> None:
    result = succeeded(ppg_deploy("quantize", "student.onnx", "--json", folder=folder))
    assert json.loads(result.stdout) == json.loads((folder / "build" / "quantize.json").read_text())


def test_quiet_prints_nothing(folder: Path) -> None:
    result = succeeded(ppg_deploy("quantize", "student.onnx", "--quiet", folder=folder))
    assert result.stdout == ""
    assert result.stderr == ""


def test_strangers_model_needs_no_card(folder: Path, tmp_path: Path) -> None:
    """Any int8 .tflite can be built and streamed; without quantize.json x is the .tflite's input."""
    shutil.copy(folder / "build" / "model.tflite", tmp_path / "their.tflite")
    x = np.random.default_rng(0).standard_normal((5, 4, 256, 1)).astype(np.float32)
    np.savez(tmp_path / "w.npz", x=x)
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", "--model", "their.tflite", folder=tmp_path))
    succeeded(
        ppg_deploy("bench", "--emulator", "unicorn", "--data", "w.npz", "--count", "1", folder=tmp_path)
    )
    report = report_of(tmp_path)
    assert report["outputs"] | {"golden": ""} == {
        "golden": "",
        "compared": 5,
        "mismatched": 0,
        "first_mismatch": None,
    }
    assert report["accuracy"]["mae_device"] is None
    assert "bpm" not in np.load(tmp_path / "build" / "outputs.npz")


def test_difference_is_found_and_described(folder: Path, tmp_path: Path) -> None:
    """A device that computes something else: weights changed behind the golden reference's back."""
    shutil.copytree(folder, tmp_path / "f")
    project = tmp_path / "f" / "build" / "firmware"
    changed = bytearray((project / "firmware.elf").read_bytes())
    for offset in _offsets_of_weights(project / "firmware.elf"):
        changed[offset] ^= 0x10
    (project / "firmware.elf").write_bytes(bytes(changed))
    record = json.loads((project / "build.json").read_text())
    record["elf_sha256"] = hashlib.sha256(bytes(changed)).hexdigest()
    (project / "build.json").write_text(json.dumps(record))
    result = ppg_deploy("bench", "--emulator", "unicorn", "--count", "1", folder=tmp_path / "f")
    assert result.returncode == 6, result.stdout + result.stderr
    assert "error: " in result.stderr
    outputs = report_of(tmp_path / "f")["outputs"]
    answers = np.load(tmp_path / "f" / "build" / "outputs.npz")["y_int8"]
    right = np.load(folder / "build" / "outputs.npz")["y_int8"]
    wrong = np.flatnonzero((answers != right).any(axis=1))
    assert outputs["mismatched"] == len(wrong) > 0
    assert outputs["first_mismatch"] == {
        "window": wrong[0],
        "byte": 0,
        "expected": right[wrong[0], 0],
        "answered": answers[wrong[0], 0],
    }


def _offsets_of_weights(elf_path: Path) -> range:
    """File offsets inside the largest block of packed weights."""
    with elf_path.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = [s for s in elf.get_section_by_name(".symtab").iter_symbols() if s.name.endswith("_stream")]
        largest = max(symbols, key=lambda symbol: symbol["st_size"])
        section = elf.get_section(largest["st_shndx"])
        start = section["sh_offset"] + largest["st_value"] - section["sh_addr"]
    return range(start + 40, start + largest["st_size"], 97)


@requires_qemu
def test_qemu_agrees_with_unicorn(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "f", ignore=shutil.ignore_patterns("firmware"))
    data = np.load(DEMO / "test.npz")
    few = tmp_path / "few.npz"
    np.savez(few, **{name: data[name][:30] for name in data.files})
    reports, answers = {}, {}
    succeeded(ppg_deploy("build", "--board", "netduinoplus2", folder=tmp_path / "f"))
    for emulator in ("unicorn", "qemu"):
        succeeded(ppg_deploy("bench", "--emulator", emulator, "--data", few, folder=tmp_path / "f"))
        reports[emulator] = report_of(tmp_path / "f")
        answers[emulator] = np.load(tmp_path / "f" / "build" / "outputs.npz")["y_int8"]
    assert np.array_equal(answers["unicorn"], answers["qemu"])
    counts = [reports[emulator]["cost"]["instructions"]["median"] for emulator in ("unicorn", "qemu")]
    assert counts[1] == pytest.approx(counts[0], rel=1e-3)
    assert reports["qemu"]["firmware"]["elf_sha256"] == reports["unicorn"]["firmware"]["elf_sha256"]
