"""Real builds with PlatformIO: what they produce, what they leave alone, and how they fail."""

import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_model import fake_model

from ppg_deploy.boards import load_board
from ppg_deploy.building import BuildResult, Usage, build_firmware, find_compiler, read_build
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.building.platformio import clean_environment
from ppg_deploy.errors import DoesNotFitError, EnvironmentProblem, InputError, InternalError
from ppg_deploy.project import ModelSources, Project, render_project

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

# Initialised data in RAM, of an odd size; referenced from nowhere, so the linker must be told to keep it.
DATA = "\nint8_t ppg_fake_table[37] = {1};\nvoid *ppg_fake_keep(void) { return ppg_fake_table; }\n"


def render(folder: Path, model: ModelSources | None = None, board: str = "nucleo-l4") -> Project:
    return render_project(board=load_board(board), model=model or fake_model(), folder=folder)


def run_tool(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    folder = tmp_path_factory.mktemp("a folder with spaces") / "my firmware"
    return build_firmware(render(folder, fake_model(extra=DATA)))


def test_every_format_is_there_and_clean_builds_are_quick(built: BuildResult) -> None:
    folder = built.elf.parent
    assert " " in str(folder)
    assert built.elf.read_bytes()[:4] == b"\x7fELF"
    assert (folder / "firmware.hex").read_text().startswith(":02000004080")  # extended address 0x0800
    assert "Memory Configuration" in (folder / "firmware.map").read_text()
    assert "arm-none-eabi-gcc" in built.compiler_version
    assert built.wall_s < 15.0
    assert read_build(folder) == built


def test_the_image_carries_its_build_id(built: BuildResult) -> None:
    assert built.build_id.encode() in (built.elf.parent / "firmware.bin").read_bytes()


def test_flash_is_the_size_of_the_binary(built: BuildResult) -> None:
    assert built.size.flash_bytes == (built.elf.parent / "firmware.bin").stat().st_size


def test_sections_agree_with_the_size_tool(built: BuildResult) -> None:
    listed = {}
    for line in run_tool("arm-none-eabi-size", "-A", "-d", str(built.elf)):
        words = line.split()
        if len(words) == 3 and words[1].isdigit() and int(words[2]) and int(words[1]):
            listed[words[0]] = int(words[1])
    assert {
        u.name: max(u.flash_bytes, u.ram_bytes) for u in built.size.by_section if u.name[0] == "."
    } == listed


def test_parts_add_up_to_sections_and_explain_every_byte(built: BuildResult) -> None:
    size = built.size

    def total(usages: tuple[Usage, ...]) -> tuple[int, int]:
        return sum(u.flash_bytes for u in usages), sum(u.ram_bytes for u in usages)

    assert total(size.by_part) == total(size.by_section) == (size.flash_bytes, size.ram_bytes)
    assert size.flash_bytes == size.flash_constants_bytes + size.flash_code_bytes
    assert size.ram_bytes == size.ram_static_bytes + size.stack_reserved_bytes
    names = {part.name for part in size.by_part}
    assert not names & {"unattributed", "other"}
    assert {"model code", "application and protocol", "board support", "buffers", "reserved stack"} <= names


def test_parts_are_what_the_model_holds(built: BuildResult) -> None:
    size = built.size
    assert size.arena_bytes == 1024
    assert size.stack_reserved_bytes == 4096
    symbols = {}
    for line in run_tool("arm-none-eabi-nm", "-S", str(built.elf)):
        words = line.split()
        if len(words) == 4:
            symbols[words[3]] = int(words[1], 16)
    assert symbols["arena"] == 1024
    assert size.flash_constants_bytes == symbols["constants"] == 100


def test_limits_are_the_boards(built: BuildResult) -> None:
    limits = built.size.limits
    assert (limits.flash_region, limits.flash_bytes) == ("FLASH", 1024 * 1024)
    assert (limits.ram_region, limits.ram_bytes) == ("SRAM1", 96 * 1024)


def test_a_changed_model_recompiles_only_what_depends_on_it(tmp_path: Path) -> None:
    folder = tmp_path / "fw"
    first = build_firmware(render(folder))
    objects = folder / ".pio" / "build" / "nucleo_l476rg" / "src"
    before = {path: path.stat().st_mtime_ns for path in objects.rglob("*.o")}
    assert len(before) > 8
    second = build_firmware(render(folder, fake_model(first_constant=9)))
    recompiled = {p.relative_to(objects).as_posix() for p, at in before.items() if p.stat().st_mtime_ns != at}
    assert "model/model.o" in recompiled
    assert not any(name.startswith(("bsp/", "protocol/", "runtime/")) for name in recompiled)
    assert second.build_id != first.build_id
    assert second.elf_sha256 != first.elf_sha256
    assert second.wall_s < 6.0

    third = build_firmware(render(folder))
    assert third.elf_sha256 == first.elf_sha256


def test_kernel_flags_reach_the_kernels_only(tmp_path: Path) -> None:
    folder = tmp_path / "fw"
    project = render_project(
        board=load_board("nucleo-l4"),
        model=fake_model(),
        folder=folder,
        kernel_flags=("-O3", "-DIN_A_KERNEL=1"),
    )
    (folder / "src" / "runtime").mkdir(exist_ok=True)
    (folder / "src" / "runtime" / "mine.c").write_text(
        "#ifndef IN_A_KERNEL\n#error kernel flags are missing\n#endif\nint ppg_mine(void) { return 1; }\n"
    )
    (folder / "src" / "mine.c").write_text(
        "#ifdef IN_A_KERNEL\n#error kernel flags leak\n#endif\nint ppg_other(void) { return 1; }\n"
    )
    assert build_firmware(project).elf.is_file()


def test_the_users_own_settings_do_not_reach_the_build(
    tmp_path: Path, built: BuildResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("PLATFORMIO_BUILD_FLAGS", "-DPPG_CLOCK_HZ=1 -include no_such_header.h")
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(elsewhere))
    monkeypatch.setenv("PLATFORMIO_BUILD_DIR", str(elsewhere / "build"))
    monkeypatch.setenv("SCONSFLAGS", "--no-such-option")
    monkeypatch.setenv("CPATH", str(elsewhere))
    result = build_firmware(render(tmp_path / "fw", fake_model(extra=DATA)))
    assert result.build_id == built.build_id
    assert result.size == built.size
    assert not elsewhere.exists()


def test_the_environment_keeps_what_is_the_users_own() -> None:
    environment = clean_environment(
        Path("core"), {"PATH": "/bin", "PLATFORMIO_HOME_DIR": "x", "PPG_OPENOCD": "o"}
    )
    assert (environment["PATH"], environment["PPG_OPENOCD"]) == ("/bin", "o")
    assert "PLATFORMIO_HOME_DIR" not in environment


def test_a_build_needs_no_network(tmp_path: Path) -> None:
    isolated = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*isolated, "true"], check=False, timeout=60).returncode:
        pytest.skip("this system lets nobody make an empty network namespace")
    script = (
        "from pathlib import Path\n"
        "from fake_model import fake_model\n"
        "from ppg_deploy.boards import load_board\n"
        "from ppg_deploy.building import build_firmware\n"
        "from ppg_deploy.project import render_project\n"
        "p = render_project(board=load_board('nucleo-l4'), model=fake_model(), folder=Path('fw'))\n"
        "assert build_firmware(p).wall_s < 30\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [*isolated, sys.executable, "-c", script]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120)


def _build_in(folder: Path) -> str:
    return build_firmware(render(folder)).elf_sha256


def test_the_image_does_not_depend_on_its_folder(tmp_path: Path, built: BuildResult) -> None:
    assert build_firmware(render(tmp_path / "fw", fake_model(extra=DATA))).elf_sha256 == built.elf_sha256


def test_builds_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Two projects side by side, and one of them twice."""
    folders = [tmp_path / "one", tmp_path / "two", tmp_path / "one"]
    render(tmp_path / "one")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        hashes = pool.map(_build_in, folders)
    assert len(set(hashes)) == 1
    assert read_build(tmp_path / "one").elf_sha256 == hashes[0]


def test_a_lock_that_is_held_gives_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "x" / "lock"
    late = pytest.raises(EnvironmentProblem, match=r"has not ended within 0\.3 s")
    with folder_lock(path, limit_s=1), late, folder_lock(path, limit_s=0.3):
        pass
    with folder_lock(path, limit_s=0.3):
        pass


def test_a_missing_compiler_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = render(tmp_path / "fw")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="arm-none-eabi-gcc was not found") as caught:
        build_firmware(project)
    assert "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi" in caught.value.hint


def test_a_compiler_without_its_c_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "bin" / "bare-gcc"
    compiler.parent.mkdir()
    compiler.write_text("#!/bin/sh\ncase $1 in --version) echo bare 1.0;; *) echo nano.specs;; esac\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PPG_ARM_GCC_PREFIX", str(tmp_path / "bin" / "bare-"))
    with pytest.raises(EnvironmentProblem, match=r"nano\.specs"):
        find_compiler()


def test_the_compiler_can_be_chosen_by_prefix(
    tmp_path: Path, built: BuildResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = str(shutil.which("arm-none-eabi-gcc")).removesuffix("gcc")
    monkeypatch.setenv("PPG_ARM_GCC_PREFIX", prefix)
    assert find_compiler().gcc == Path(prefix + "gcc")
    assert build_firmware(render(tmp_path / "fw", fake_model(extra=DATA))).size == built.size


def test_an_arena_larger_than_ram_is_refused_before_compiling(tmp_path: Path) -> None:
    project = render(tmp_path / "fw", fake_model(arena_bytes=96 * 1024))
    with pytest.raises(DoesNotFitError, match=r"exceed SRAM1 \(98304 bytes\) by 4096 bytes") as caught:
        build_firmware(project)
    assert "netduinoplus2 (131072 bytes)" in caught.value.hint
    assert not (tmp_path / "fw" / ".pio" / "build").exists()


def test_an_image_that_does_not_fit_says_by_how_much(tmp_path: Path) -> None:
    # Flash: constants of 1 MiB leave no room for code. RAM: 90 KiB of arena pass the first check, the buffers do not.
    constants, arena = 1024 * 1024, 98304 - 4096 - 16
    project = render(tmp_path / "fw", fake_model(constants_bytes=constants, arena_bytes=arena))
    with pytest.raises(DoesNotFitError) as caught:
        build_firmware(project)
    message = caught.value.message
    assert "flash (FLASH, 1048576 bytes) overflows by" in message
    assert "ram (SRAM1, 98304 bytes) overflows by" in message
    assert "smaller model" in caught.value.hint
    assert "more ram" in caught.value.hint


def test_a_failed_build_names_the_error_and_leaves_no_image(tmp_path: Path) -> None:
    folder = tmp_path / "fw"
    build_firmware(render(folder))
    broken = render(folder, fake_model(extra="\nint x = undeclared_thing;\n"))
    with pytest.raises(
        InternalError, match=r"src/model/model\.c:\d+:\d+: error: .undeclared_thing. undeclared"
    ):
        build_firmware(broken)
    assert not list(folder.glob("firmware.*"))
    with pytest.raises(InputError, match="no finished build"):
        read_build(folder)


def test_an_image_of_other_sources_is_not_taken_for_this_one(tmp_path: Path) -> None:
    folder = tmp_path / "fw"
    build_firmware(render(folder))
    render(folder, fake_model(first_constant=9))
    with pytest.raises(InputError, match="does not belong"):
        read_build(folder)


def test_nothing_is_allocated(built: BuildResult) -> None:
    """Asked of the image itself: no name of an allocator is in it."""
    names = subprocess.run(["arm-none-eabi-nm", str(built.elf)], capture_output=True, text=True, check=True)
    assert "ppg_model_run" in names.stdout
    assert not re.search(r"malloc|calloc|sbrk", names.stdout)


def test_an_allocator_in_the_image_is_refused(tmp_path: Path) -> None:
    greedy = fake_model(
        extra="\n#include <stdlib.h>\nvolatile int wish = 8;\n"
        "__attribute__((constructor)) static void take(void) { wish = malloc((size_t)wish) == 0; }\n"
    )
    with pytest.raises(InternalError, match="allocates memory at run time") as caught:
        build_firmware(render(tmp_path / "fw", greedy))
    assert "at compile time" in caught.value.hint
    with pytest.raises(InputError, match="no finished build"):
        read_build(tmp_path / "fw")
