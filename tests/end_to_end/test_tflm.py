"""build --runtime tflm and bench, with the fake TFLM tree: rendered, compiled, linked, run under emulators.

The fake copies input to output, and so does TFLM's own interpreter with this model: bench compares real answers.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import ppg_deploy, requires_compiler, requires_qemu, succeeded
from tests.support.fake_tflm import SHAPE, copying_model, fake_tree

WINDOWS = 12


def _has_cpp_library() -> bool:
    try:
        done = subprocess.run(
            ["arm-none-eabi-g++", "-x", "c++", "-E", "-"],
            input=b"#include <cstddef>\n",
            capture_output=True,
            timeout=30,
        )
    except OSError:
        return False
    return done.returncode == 0


pytestmark = [
    requires_compiler,
    pytest.mark.skipif(not _has_cpp_library(), reason="libstdc++-arm-none-eabi-newlib is not installed"),
]


def prepare(folder: Path, **tree: Any) -> Path:
    """A folder with a model, windows, and a ppg.toml that names the tree."""
    fake_tree(folder, **tree)
    (folder / "build").mkdir()
    (folder / "build" / "model.tflite").write_bytes(copying_model())
    (folder / "ppg.toml").write_text('[build]\nboard = "nucleo-l4"\n[tflm]\ndir = "tflm tree"\n')
    x = np.random.default_rng(0).normal(0, 2, (WINDOWS, *SHAPE[1:])).astype(np.float32)
    labels = {"hr": np.full(WINDOWS, 80, np.float32), "start_s": np.arange(WINDOWS, dtype=np.float32)}
    np.savez(folder / "windows.npz", x=x, subject=np.full(WINDOWS, "S"), **labels)
    return folder


def bench(folder: Path, emulator: str, *options: str) -> subprocess.CompletedProcess[str]:
    return ppg_deploy("bench", "--emulator", emulator, "--data", "windows.npz", *options, folder=folder)


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both runtimes, built side by side."""
    folder = prepare(tmp_path_factory.mktemp("pair"))
    succeeded(ppg_deploy("build", "--runtime", "both", folder=folder))
    return folder


def test_what_is_rendered(pair: Path) -> None:
    project = pair / "build/firmware-tflm"
    resolver = (project / "src/model/ppg_tflm_resolver.h").read_text()
    assert "MicroMutableOpResolver<2>" in resolver
    assert re.findall(r"resolver\.(\w+\(.*?\)) !=", resolver) == [
        "AddMaxPool2D(tflite::Register_MAX_POOL_2D_INT8())",
        "AddReshape()",
    ]
    model = copying_model()
    data = (project / "src/model/model_data.c").read_text()
    assert f"_Alignas(16) const uint8_t ppg_model_data[{len(model)}]" in data
    assert bytes(int(byte) for byte in re.findall(r"(\d+),", data.partition("{")[2])) == model
    manifest = read(project / "manifest.json")
    assert manifest["runtime"] == "tflm"
    assert "-DTF_LITE_STATIC_MEMORY" in manifest["flags"] and "-DCMSIS_NN" in manifest["flags"]
    # The sources stay where they are: of the tree only its folder is named, and by platformio.ini alone.
    assert not list(project.rglob("micro_interpreter*.cc"))
    texts = {
        name: (project / name).read_text() for name in ("platformio.ini", "library.json", "manifest.json")
    }
    assert [name for name, text in texts.items() if "tflm tree" in text] == ["platformio.ini"]


def test_image(pair: Path) -> None:
    project = pair / "build/firmware-tflm"
    symbols = subprocess.run(
        ["arm-none-eabi-nm", project / "firmware.elf"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    addresses = {line.split()[2]: int(line.split()[0], 16) for line in symbols.splitlines() if line[0] != " "}
    assert addresses["ppg_model_arena"] % 16 == 0
    assert addresses["ppg_model_data"] % 16 == 0
    # No heap, no standard output, no unwinding.
    for name in ("malloc", "_malloc_r", "_sbrk", "printf", "vfprintf", "_vfiprintf_r", "__cxa_throw", "exit"):
        assert name not in addresses
    size = read(project / "size.json")
    parts = {part["name"]: part for part in size["by_part"]}
    arena = read(project / "manifest.json")["arena_bytes"]
    assert parts["arena"]["ram_bytes"] == arena == size["arena_bytes"]
    assert parts["model constants"]["flash_bytes"] >= len(copying_model())
    assert parts["interpreter"]["flash_bytes"] > 0
    assert parts["runtime kernels"]["flash_bytes"] > 0
    assert "unattributed" not in parts and "other" not in parts


def test_bench_of_both_runtimes_side_by_side(pair: Path) -> None:
    table = succeeded(bench(pair, "unicorn")).stdout
    assert "aot against tflm" in table
    for name, runtime in (("report.json", "aot"), ("report-tflm.json", "tflm")):
        report = read(pair / "build" / name)
        assert report["runtime"] == runtime
        assert (report["outputs"]["compared"], report["outputs"]["mismatched"]) == (WINDOWS, 0)
    tflm = read(pair / "build/report-tflm.json")
    assert tflm["firmware"]["library"].startswith("TFLM with kernels of CMSIS-NN, sources ")
    assert tflm["memory"]["arena"] == read(pair / "build/firmware-tflm/manifest.json")["arena_bytes"]
    assert (pair / "build/outputs-tflm.npz").is_file()


def test_one_of_both_can_be_chosen(pair: Path) -> None:
    one = succeeded(bench(pair, "unicorn", "--runtime", "tflm", "--json")).stdout
    assert json.loads(one)["runtime"] == "tflm"
    both = json.loads(succeeded(bench(pair, "unicorn", "--json")).stdout)
    assert [report["runtime"] for report in both] == ["aot", "tflm"]
    at_once = ppg_deploy("bench", "--port", "/dev/null", "--runtime", "both", folder=pair)
    assert at_once.returncode == 2
    assert "one image at a time" in at_once.stderr


@requires_qemu
def test_profile_per_operator_on_qemu(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    succeeded(ppg_deploy("build", "--board", "netduinoplus2", "--runtime", "tflm", folder=folder))
    succeeded(bench(folder, "qemu"))
    report = read(folder / "build/report.json")
    assert (report["runtime"], report["outputs"]["mismatched"]) == ("tflm", 0)
    operators = report["cost"]["by_operator"]
    assert [share["name"] for share in operators] == [
        "000 MAX_POOL_2D (Register_MAX_POOL_2D_INT8)",
        "001 RESHAPE (Register_RESHAPE)",
    ]
    # The fake copies 32 bytes in its last operator and does nothing in the first one.
    assert operators[1]["ticks"] > operators[0]["ticks"] > 0


def test_a_small_arena_is_told_with_the_size_needed(tmp_path: Path) -> None:
    folder = prepare(tmp_path, needed_bytes=60_004, cmsis_nn=False)
    result = succeeded(ppg_deploy("build", "--runtime", "tflm", folder=folder))
    assert "has no CMSIS-NN" in result.stderr
    failed = bench(folder, "unicorn")
    assert failed.returncode == 5
    assert "AllocateTensors needs 60016 bytes" in failed.stderr
    assert "--tflm-arena 60016" in failed.stderr
    succeeded(ppg_deploy("build", "--runtime", "tflm", "--tflm-arena", "60016", folder=folder))
    succeeded(bench(folder, "unicorn"))
    assert read(folder / "build/report.json")["memory"]["arena"] == 60_016


def test_a_model_that_fits_nowhere_is_told(tmp_path: Path) -> None:
    folder = prepare(tmp_path, needed_bytes=1 << 20)
    succeeded(ppg_deploy("build", "--runtime", "tflm", folder=folder))
    failed = bench(folder, "unicorn")
    assert failed.returncode == 5
    assert re.search(r"fails even with \d{5} bytes, all RAM that is left", failed.stderr)


def test_options_that_do_not_belong_together(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    for options, message in (
        (("--runtime", "tflm", "--optimize", "size"), "are about generated C"),
        (("--runtime", "aot", "--tflm-dir", "tflm tree"), "need --runtime tflm or both"),
        (("--runtime", "tflm", "--tflm-arena", "100"), "smaller than any that TFLM starts in"),
        (("--runtime", "tflm", "--tflm-dir", "none"), "none is not a folder"),
    ):
        failed = ppg_deploy("build", *options, folder=folder)
        assert failed.returncode == 2, failed.stderr
        assert message in failed.stderr
    assert not (folder / "build/firmware").exists()
