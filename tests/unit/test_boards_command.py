"""ppg-deploy boards, as a user runs it."""

import json
import shutil
from pathlib import Path

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.boards.remarks import board_remarks
from ppg_deploy.boards.validate import validate_board
from tests.support.commands import REPOSITORY, ppg_deploy, succeeded

BOARDS = REPOSITORY / "boards"


def changed(folder: Path, board: str, *replacements: tuple[str, str], name: str | None = None) -> Path:
    """A copy of a shipped board.toml with some texts replaced, each of which must be there."""
    text = (BOARDS / board / "board.toml").read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / (name or board) / "board.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_list_as_json(tmp_path: Path) -> None:
    rows = {
        r["id"]: r
        for r in json.loads(succeeded(ppg_deploy("boards", "list", "--json", folder=tmp_path)).stdout)
    }
    assert set(rows) == {path.parent.name for path in BOARDS.glob("*/board.toml")}
    nucleo = rows["nucleo-l476rg"]
    # Figures of ST's DS10198: STM32L476RG, 1 MB of flash, 96 KB of SRAM1, 80 MHz.
    assert (nucleo["mcu"], nucleo["core"], nucleo["clock_hz"]) == ("stm32l476rgt6", "cortex-m4", 80_000_000)
    assert (nucleo["flash_bytes"], nucleo["ram_bytes"]) == (1024 * 1024, 96 * 1024)
    assert "nucleo-l4" in nucleo["aliases"]
    assert nucleo["flash_methods"][0] == "stlink"
    assert nucleo["verified"] == {"power": False}
    assert rows["netduinoplus2"]["emulators"] == ["unicorn", "qemu", "renode"]


def test_list_as_table_shows_whole_ids(tmp_path: Path) -> None:
    output = succeeded(ppg_deploy("boards", "list", folder=tmp_path)).stdout
    for path in BOARDS.glob("*/board.toml"):
        assert path.parent.name in output


def test_show_by_alias_has_power_with_source_and_mark(tmp_path: Path) -> None:
    output = succeeded(ppg_deploy("boards", "show", "nucleo-l4", folder=tmp_path)).stdout
    assert "0x40004400" in output
    assert "0483" in output
    assert "10.2 mA at 3.3 V, NOT verified" in output
    assert "DS10198" in output
    facts = json.loads(succeeded(ppg_deploy("boards", "show", "nucleo-l4", "--json", folder=tmp_path)).stdout)
    assert facts["power"]["verified"] is False
    assert facts["uart"]["base"] == 0x40004400


def test_remarks_are_the_comments_of_the_file() -> None:
    remarks = board_remarks("nucleo-l476rg")
    assert ("uart", "the virtual COM port of the on-board ST-LINK") in remarks
    assert any(name == "clock.reset_hz" and "MSI" in text for name, text in remarks)


def test_show_of_an_unknown_board(tmp_path: Path) -> None:
    result = ppg_deploy("boards", "show", "nucleo-l5", folder=tmp_path)
    assert result.returncode == 2
    assert "nucleo-l4" in result.stderr


def test_the_shipped_boards_are_valid(tmp_path: Path) -> None:
    assert "no problem" in succeeded(ppg_deploy("boards", "validate", BOARDS, folder=tmp_path)).stdout


def test_every_problem_is_named_with_its_fix(tmp_path: Path) -> None:
    changed(
        tmp_path / "boards",
        "nucleo-l476rg",
        ('tx_pin = "PA2"\n', ""),
        ("run_current_ma", "run_curent_ma"),
        ("supply_v = 3.3", 'supply_v = "three"'),
        ('id = "nucleo-l476rg"', 'id = "other"'),
    )
    result = ppg_deploy("boards", "validate", "boards", "--json", folder=tmp_path)
    assert result.returncode == 2
    problems = {problem["field"]: problem for problem in json.loads(result.stdout)["problems"]}
    assert set(problems) == {
        "uart.tx_pin",
        "power.run_current_ma",
        "power.run_curent_ma",
        "power.supply_v",
        "id",
    }
    assert problems["uart.tx_pin"]["fix"] == "add tx_pin = ... to [uart]"
    assert problems["power.run_curent_ma"]["fix"] == "rename it to run_current_ma"
    assert "'three'" in problems["power.supply_v"]["message"]
    assert "nucleo-l476rg" in problems["id"]["fix"]
    assert all(problem["fix"] for problem in problems.values())


def test_problems_are_listed_for_people_too(tmp_path: Path) -> None:
    path = changed(tmp_path, "netduinoplus2", ("schema = 1", "schema = 2"))
    result = ppg_deploy("boards", "validate", path, folder=tmp_path)
    assert result.returncode == 2
    assert f"{path}: schema" in result.stdout
    assert "fix: " in result.stdout


def test_what_only_the_package_can_tell(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        "nucleo-l476rg",
        ('id = "nucleo-l476rg"', 'id = "mine"'),
        ('"stm32l4"]', '"stm32l9"]'),
        ('"pyocd", "mbed"', '"pyocdd", "mbed"'),
        name="mine",
    )
    problems = {problem.field: problem for problem in validate_board(path)}
    assert set(problems) == {"bsp_folders.2", "flashing.methods.3", "aliases"}
    assert "stm32l4" in problems["bsp_folders.2"].fix
    assert problems["flashing.methods.3"].fix == "write 'pyocd'"
    assert "nucleo-l4" in problems["aliases"].fix


def test_a_board_of_ones_own_may_replace_a_shipped_one(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        "nucleo-l476rg",
        ("clock_hz = 80_000_000", "clock_hz = 48_000_000"),
        ("pll_n = 10", "pll_n = 6"),
    )
    assert validate_board(path) == ()
    assert load_board("nucleo-l4", boards_dirs=[tmp_path]).clock_hz == 48_000_000


@pytest.mark.parametrize("text", ["id = ", "\xff"])
def test_a_file_that_is_not_toml(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine" / "board.toml"
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    (problem,) = validate_board(path)
    assert "is not TOML" in problem.message


def test_a_folder_without_boards(tmp_path: Path) -> None:
    shutil.copy(BOARDS / "netduinoplus2" / "board.toml", tmp_path / "bord.toml")
    result = ppg_deploy("boards", "validate", tmp_path, folder=tmp_path)
    assert result.returncode == 2
    assert "holds no board.toml" in result.stderr
