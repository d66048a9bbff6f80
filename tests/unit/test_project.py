import hashlib
import json
import re
from pathlib import Path

import pytest
from fake_model import MODEL_SHA256, fake_model

from ppg_deploy.boards import load_board
from ppg_deploy.errors import InputError, InternalError
from ppg_deploy.project import ModelSources, Project, load_manifest, render_project
from ppg_deploy.shipped import shipped_folder


def render(folder: Path, board: str = "nucleo-l4", **options: object) -> Project:
    model = options.pop("model", None) or fake_model()
    return render_project(board=load_board(board), model=model, folder=folder, **options)  # type: ignore[arg-type]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_project_has_the_promised_layout(tmp_path: Path) -> None:
    project = render(tmp_path / "fw")
    names = set(snapshot(tmp_path / "fw"))
    assert {
        "platformio.ini",
        "README.md",
        ".gitignore",
        "manifest.json",
        "include/ppg_board_config.h",
        "include/ppg_hardware.h",
        "linker/nucleo_l476rg.ld",
        "src/app/main.c",
        "src/bsp/ppg_bsp.h",
        "src/bsp/common/startup.c",
        "src/bsp/stm32/uart.c",
        "src/bsp/stm32l4/clock.c",
        "src/model/model.c",
        "src/model/model.h",
    } <= names
    assert not any("stm32f4" in name for name in names)
    assert names == {*project.manifest.files, "manifest.json"}
    for name, digest in project.manifest.files.items():
        assert hashlib.sha256((tmp_path / "fw" / name).read_bytes()).hexdigest() == digest
    assert load_manifest(tmp_path / "fw") == project.manifest


def test_numbers_of_the_board_reach_headers_and_linker_script(tmp_path: Path) -> None:
    project = render(tmp_path / "fw", board="netduinoplus2")
    config = (project.folder / "include/ppg_board_config.h").read_text()
    hardware = (project.folder / "include/ppg_hardware.h").read_text()
    linker = (project.folder / "linker/netduinoplus2.ld").read_text()
    assert '#define PPG_BOARD_ID "netduinoplus2"' in config
    assert f'#define PPG_BUILD_ID "{project.build_id}"' in config
    assert re.fullmatch(r"[0-9a-f]{64}", project.build_id)
    assert "#define PPG_CLOCK_HZ 168000000u" in hardware
    assert "#define PPG_UART_BASE 0x40011000u" in hardware
    assert "SRAM (rw) : ORIGIN = 0x20000000, LENGTH = 131072" in linker
    assert project.manifest.model_sha256 == MODEL_SHA256


def test_a_second_rendering_touches_nothing(tmp_path: Path) -> None:
    first = render(tmp_path / "fw")
    before = snapshot(tmp_path / "fw")
    second = render(tmp_path / "fw")
    assert snapshot(tmp_path / "fw") == before
    assert second.build_id == first.build_id


def test_the_build_id_depends_on_contents_and_flags_only(tmp_path: Path) -> None:
    ids = [
        render(tmp_path / "a").build_id,
        render(tmp_path / "b" / "elsewhere").build_id,
        render(tmp_path / "c", model=fake_model(first_constant=2)).build_id,
        render(tmp_path / "d", flags=("-O2",)).build_id,
        render(tmp_path / "e", kernel_flags=("-O3",)).build_id,
        render(tmp_path / "f", board="netduinoplus2").build_id,
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5


def test_a_changed_model_rewrites_the_model_and_the_identity_only(tmp_path: Path) -> None:
    render(tmp_path / "fw")
    before = snapshot(tmp_path / "fw")
    render(tmp_path / "fw", model=fake_model(first_constant=2))
    after = snapshot(tmp_path / "fw")
    assert {name for name in after if after[name] != before.get(name)} == {
        "src/model/model.c",
        "include/ppg_board_config.h",
        "manifest.json",
    }


def test_files_no_longer_wanted_go_and_a_users_files_stay(tmp_path: Path) -> None:
    folder = tmp_path / "fw"
    render(folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "src/bsp/stm32l4/mine.c").write_text("/* mine */")
    render(folder, board="netduinoplus2")
    assert not (folder / "linker/nucleo_l476rg.ld").exists()
    assert not (folder / "src/bsp/stm32l4/clock.c").exists()
    assert not list(folder.glob("platform-nucleo*"))
    assert (folder / "src/bsp/stm32f4/clock.c").is_file()
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "src/bsp/stm32l4/mine.c").read_text() == "/* mine */"


def test_a_folder_of_somebody_else_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="did not write"):
        render(tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    ["{", '{"name": "my web app"}', "null"],
)
def test_a_foreign_manifest_is_refused_untouched(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="not a manifest of ppg-deploy"):
        render(tmp_path)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["../victim.txt", "/etc/victim.txt", "src/../../victim.txt", "src/./x"])
def test_a_manifest_cannot_reach_outside_the_project(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "fw"
    render(folder)
    (tmp_path / "victim.txt").write_text("keep me")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="not a path inside the project"):
        render(folder, board="netduinoplus2")
    assert (tmp_path / "victim.txt").read_text() == "keep me"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fw").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        render(tmp_path / "fw")


@pytest.mark.parametrize(
    "flag", ["-ffreestanding", "-fno-builtin", "-fno-builtin-memcpy", "-O2 -O3", "O2", "-D$X"]
)
def test_harmful_or_malformed_flags_are_refused(tmp_path: Path, flag: str) -> None:
    with pytest.raises(InputError):
        render(tmp_path / "fw", kernel_flags=(flag,))
    assert not (tmp_path / "fw").exists()


def test_a_kernel_that_is_not_shipped_is_a_bug_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="no_such_kernel"):
        render(tmp_path / "fw", model=fake_model(kernel_files=("no_such_kernel.c",)))


@pytest.mark.parametrize("name", ["../model.c", "a/b.c", ".hidden", ""])
def test_malformed_model_file_names_are_refused(name: str) -> None:
    with pytest.raises(InternalError):
        ModelSources("aot", {"model.h": "", name: ""}, MODEL_SHA256, (), 0, "arena")


def test_templates_hold_names_and_numbers_only() -> None:
    for template in (shipped_folder("firmware") / "templates").rglob("*.j2"):
        statements = re.findall(r"{%-?\s*(\w+)", template.read_text())
        assert set(statements) <= {"for", "endfor"}, template.name


def test_rendered_files_tell_nothing_about_this_machine(tmp_path: Path) -> None:
    render(tmp_path / "fw")
    for name, (_, data) in snapshot(tmp_path / "fw").items():
        assert str(tmp_path).encode() not in data, name
