"""docs/python-api.md, run as a notebook would run it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import copy_demo, requires_compiler

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python-api.md"
pytestmark = [requires_compiler]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("notebook")
    copy_demo(place)
    return place


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a notebook has nothing of ours imported, either."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


def test_the_page_runs_and_nothing_else_is_printed(folder: Path) -> None:
    cells = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(cells) == 2
    done = run("\n".join(cells), folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 3 + 3
    quantized = json.loads((folder / "build" / "quantize.json").read_text())
    assert lines[0] == f"int8 costs {quantized['accuracy']['delta_mae']:+.2f} BPM"
    # The last bench was of the last level.
    size = json.loads((folder / "build" / "firmware" / "size.json").read_text())
    report = json.loads((folder / "build" / "report.json").read_text())
    assert lines[-1].split() == [
        "speed",
        str(size["flash_bytes"]),
        str(round(report["cost"]["cycles_estimated"]["median"])),
    ]
    cycles = [int(line.split()[2]) for line in lines[3:]]
    flash = [int(line.split()[1]) for line in lines[3:]]
    assert cycles == sorted(cycles, reverse=True)
    assert flash == sorted(flash)


def test_errors_are_ours_and_say_what_to_do(folder: Path) -> None:
    done = run(
        "import ppg_deploy\n"
        "from ppg_deploy.errors import PpgDeployError\n"
        "try:\n"
        "    ppg_deploy.build(board='no-such-board')\n"
        "except PpgDeployError as error:\n"
        "    print(error.message, '|', error.hint)\n",
        folder,
    )
    assert "no-such-board" in done.stdout.split("|")[0]
    assert "ppg-deploy boards" in done.stdout or "nucleo-l476rg" in done.stdout


def test_functions_stay_functions_after_their_steps_were_imported(folder: Path) -> None:
    done = run(
        "import ppg_deploy\n"
        "import ppg_deploy.cli.main, ppg_deploy.api.benching, ppg_deploy.attach\n"
        "print(all(callable(f) for f in (ppg_deploy.quantize, ppg_deploy.build, ppg_deploy.bench)))\n",
        folder,
    )
    assert done.stdout == "True\n"


def test_what_does_not_exist_is_told(folder: Path) -> None:
    done = run("import ppg_deploy\nppg_deploy.deploy\n", folder)
    assert "module 'ppg_deploy' has no attribute 'deploy'" in done.stderr
