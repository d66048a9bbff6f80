"""firmware/tflm against declarations of TFLM's public API, on this machine and under sanitizers.

The fake interpreter aborts by itself when calls come out of order or a buffer is not aligned to 16 bytes.
"""

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ppg_deploy.project import render_template
from ppg_deploy.tflm import open_tree
from ppg_deploy.tflm.layout import DEFINES, ROLE_FLAGS, Role
from ppg_deploy.tflm.operators import ResolverCall
from tests.support.fake_tflm import TFLM_API

ROOT = Path(__file__).resolve().parents[2]
ARENA_BYTES = 4096
SPARE_BYTES = 8192
# FlatBuffers: offset of the root table, "TFL3", a table of offsets (size 6, table 8, field 0 at 4), the table, version.
MODEL = bytes([16, 0, 0, 0]) + b"TFL3" + bytes([0, 0, 6, 0, 8, 0, 4, 0]) + bytes([6, 0, 0, 0])
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion")

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


def write_model(folder: Path, *, version: int = 3, has_state: int = 0, too_many: int = 0) -> None:
    model = MODEL + version.to_bytes(4, "little")
    (folder / "model.h").write_text(
        f"""#pragma once
#include "ppg_model_api.h"
#define PPG_MODEL_OPERATORS 3u
#define PPG_MODEL_ARENA_BYTES {ARENA_BYTES}
#define PPG_MODEL_INPUT_BYTES 16
#define PPG_MODEL_OUTPUT_BYTES 4
#define PPG_TFLM_HAS_STATE {has_state}
extern const uint8_t ppg_model_data[{len(model)}];
"""
    )
    data = ",".join(map(str, model))
    (folder / "model_data.c").write_text(
        f'#include "model.h"\n_Alignas(16) const uint8_t ppg_model_data[{len(model)}] = {{{data}}};\n'
    )
    calls = [
        ResolverCall("CONV_2D", "AddConv2D", "Register_CONV_2D_INT8"),
        ResolverCall("RESHAPE", "AddReshape", None),
    ]
    calls += [ResolverCall("TANH", "AddTanh", None)] * too_many
    context = {"calls": calls, "kernels": "of a fake", "fingerprint": "0"}
    resolver = render_template("tflm/ppg_tflm_resolver.h.j2", context)
    (folder / "ppg_tflm_resolver.h").write_text(resolver.replace("Resolver<3>", "Resolver<2>"))


def compile_file(source: Path, target: Path, flags: Sequence[str]) -> Path:
    is_c = source.suffix == ".c"
    command = ["gcc", "-std=gnu11"] if is_c else ["g++", "-std=gnu++17", "-fno-rtti", "-fno-exceptions"]
    subprocess.run([*command, *_SANITIZERS, *flags, "-c", source, "-o", target], check=True, timeout=120)
    return target


def includes(*folders: Path) -> list[str]:
    tree = open_tree(TFLM_API / "tree")
    folders = (*folders, *(tree.folder / name for name in tree.include_folders))
    return [*(f"-I{name}" for name in folders), *(f"-D{name}" for name in (*DEFINES, "CMSIS_NN"))]


@functools.cache
def fake_objects(*, stripped: bool) -> tuple[Path, ...]:
    """The fake as the project's builder compiles it; `stripped`: its loop over operators without messages."""
    folder = Path(tempfile.mkdtemp(prefix="ppg-fake-tflm-"))
    atexit.register(shutil.rmtree, folder)
    tree = open_tree(TFLM_API / "tree")
    objects = []
    for number, (name, role) in enumerate(tree.sources.items()):
        used = Role.CORE if stripped and "interpreter_graph" in name else role
        flags = (*ROLE_FLAGS[used], *includes())
        objects.append(compile_file(tree.folder / name, folder / f"{number}.o", flags))
    return tuple(objects)


def build(folder: Path, *, stripped: bool = False, **model: int) -> Path:
    """The adapter, the fake and the driver as a program."""
    write_model(folder, **model)
    flags = ["-O1", *_WARNINGS]
    flags += includes(folder, ROOT / "firmware/app", ROOT / "firmware/tflm")
    own = (ROOT / "firmware/tflm/ppg_tflm.cc", TFLM_API / "adapter_test.cc", folder / "model_data.c")
    objects = [compile_file(source, folder / f"{source.stem}.o", flags) for source in own]
    program = folder / "program"
    command = ["g++", *_SANITIZERS, *objects, *fake_objects(stripped=stripped), "-o", program]
    subprocess.run(command, check=True, timeout=120)
    return program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("adapter"))


def answers(program: Path, scenario: str) -> dict[str, str]:
    done = subprocess.run([program, scenario], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_success(program: Path) -> None:
    got = answers(program, "success")
    assert got["init"] == "0"
    assert got["arena"] == f"{ARENA_BYTES} 0"
    assert got["run"] == "0 output 1 2 3 4"
    # Construct, allocate, then one Invoke per run: nothing is allocated or reset again.
    assert got["calls"] == "CAIII"


def test_profile_is_per_operator_and_only_then(program: Path) -> None:
    got = answers(program, "success")
    # The fake clock moves on by 10 per look; a run without profile does not look at it.
    assert got["profile"] == "0 ticks 10 10 10"
    assert got["again"] == "0 ticks read 6 times"


def test_state_is_cleared_before_each_window(tmp_path: Path) -> None:
    program = build(tmp_path, has_state=1)
    assert answers(program, "success")["calls"] == "CARIRIRI"
    failed = answers(program, "reset fails")
    assert (failed["run"].split()[0], failed["calls"]) == ("-4", "CARRR")


def test_another_schema_is_told_and_nothing_is_constructed(tmp_path: Path) -> None:
    got = answers(build(tmp_path, version=4), "success")
    assert got["init"] == "-1"
    assert got["calls"] == ""


def test_a_resolver_that_is_too_small_is_told(tmp_path: Path) -> None:
    got = answers(build(tmp_path, too_many=1), "success")
    assert (got["init"], got["calls"]) == ("-2", "")


def test_an_arena_that_is_too_small_says_what_it_takes(program: Path) -> None:
    got = answers(program, "small arena")
    # 4,097 bytes needed, rounded up to TFLM's alignment; found by a second allocation elsewhere.
    assert got["init"] == "4112"
    assert got["calls"] == "CACA"


def test_an_arena_that_fits_nowhere_says_how_much_was_tried(program: Path) -> None:
    assert answers(program, "no room")["init"] == str(-SPARE_BYTES)
    got = answers(program, "no spare")
    assert (got["init"], got["calls"]) == (str(-ARENA_BYTES), "CA")


@pytest.mark.parametrize("scenario", ["wrong input", "wrong output"])
def test_tensors_of_another_size_are_refused(program: Path, scenario: str) -> None:
    assert answers(program, scenario)["init"] == "-3"


def test_a_failing_operator_fails_the_run(program: Path) -> None:
    got = answers(program, "operator fails")
    assert got["run"].startswith("-5 output 0 0 0 0")
    assert got["profile"].startswith("-5 ticks 10 0 0")


def test_a_profiler_that_is_not_called_is_told(program: Path, tmp_path: Path) -> None:
    assert answers(program, "few events")["profile"].startswith("-6")
    # As TFLM does when its loop over operators is compiled with TF_LITE_STRIP_ERROR_STRINGS.
    got = answers(build(tmp_path, stripped=True), "success")
    assert (got["run"].split()[0], got["profile"].split()[0]) == ("0", "-6")


def test_codes_are_those_that_the_host_explains() -> None:
    from ppg_deploy.tflm import status

    header = (ROOT / "firmware/tflm/ppg_tflm.h").read_text()
    codes = {
        int(line.split("(")[1].rstrip(")"))
        for line in header.splitlines()
        if line.endswith(")") and "(-" in line
    }
    assert codes == set(range(-6, 0))
    for code in codes:
        assert status.explain_status("tflm", code).message.startswith("TFLM: ")
    assert f"#define PPG_TFLM_MOST_CODES {status.MOST_CODES}" in header
    assert "4112 bytes" in status.explain_status("tflm", 4112).message
    assert "--tflm-arena 4112" in status.explain_status("tflm", 4112).hint
    assert "8192 bytes" in status.explain_status("tflm", -8192).message
    assert status.explain_status("aot", 4112).message.endswith("code 4112")


def test_the_adapter_is_short() -> None:
    folder = ROOT / "firmware/tflm"
    assert sum(len(path.read_text().splitlines()) for path in folder.iterdir()) < 200
