"""A board.toml whose clock settings do not make its clock is refused before anything is built."""

from pathlib import Path

import pytest

from ppg_deploy.boards import list_boards, read_board
from ppg_deploy.boards.stm32 import CLOCK_TREES
from ppg_deploy.errors import InputError
from ppg_deploy.shipped import shipped_folder


def changed(board: str, find: str, replace: str, folder: Path) -> Path:
    text = (shipped_folder("boards") / board / "board.toml").read_text()
    assert find in text
    path = folder / board / "board.toml"
    path.parent.mkdir()
    path.write_text(text.replace(find, replace, 1))
    return path


@pytest.mark.parametrize(
    ("board", "find", "replace", "named"),
    [
        ("nucleo-l476rg", "pll_n = 10", "pll_n = 12", r"clock_hz: 80000000 .* = 96000000"),
        ("nucleo-f446re", "pll_m = 8", "pll_m = 16", r"clock_hz: 180000000 .* pll_p = 90000000"),
        ("nucleo-h743zi", "pll_p = 2", "pll_p = 4", r"clock_hz: 400000000 .* = 200000000"),
        ("p-nucleo-wb55rg", "clock_hz = 64_000_000", "clock_hz = 32_000_000", r"clock_hz: 32000000"),
        ("nucleo-f411re", "over_drive = 0", "# over_drive = 0", r"clock.settings.over_drive: missing"),
        ("nucleo-l4r5zi", "boost = 1", "boost = 0", r"clock.settings.boost: must be 1 above 80000000 Hz"),
        ("nucleo-f446re", "over_drive = 1", "over_drive = 0", r"over_drive: must be 1 above 168000000 Hz"),
        ("nucleo-l476rg", "pll_r = 2", "pll_r = 0", r"clock.settings.pll_r: must not be 0"),
        (
            "nucleo-l476rg",
            "flash_wait_states = 4",
            "flash_wait_states = 99",
            "99 does not fit into FLASH_ACR",
        ),
        ("nucleo-h743zi", "apb1_divider = 2", "apb1_divider = 0", r"apb1_divider: must not be 0"),
    ],
)
def test_an_unreachable_clock_is_refused(
    board: str, find: str, replace: str, named: str, tmp_path: Path
) -> None:
    path = changed(board, find, replace, tmp_path)
    with pytest.raises(InputError, match=named) as caught:
        read_board(path)
    assert str(path) in caught.value.message


def test_a_family_of_the_users_own_is_not_checked(tmp_path: Path) -> None:
    path = changed("nucleo-l476rg", 'family = "stm32l4"', 'family = "mine"', tmp_path)
    path.write_text(path.read_text().replace("pll_n = 10", "pll_n = 12"))
    assert read_board(path).family == "mine"


def test_settings_are_those_that_the_firmware_reads() -> None:
    for family, tree in CLOCK_TREES.items():
        folders = (shipped_folder("firmware") / "bsp" / name for name in (family, "stm32"))
        source = "".join(path.read_text() for folder in folders for path in sorted(folder.glob("*.c")))
        for setting in tree.settings:
            assert f"PPG_CLOCK_{setting.upper()}" in source, (family, setting)
        assert {board.family for board in list_boards()} >= {family}
