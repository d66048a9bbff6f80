"""The report's page, opened in a real browser without a network: every section, no complaint, something to see."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import pytest

from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, succeeded

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    requires_compiler,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)"),
]
SECTIONS = (
    "headline",
    "r1-latency",
    "r1-cycles-estimated",
    "r1-operators",
    "r1-memory",
    "r1-energy-estimated",
    "r1-heart-rate",
    "r1-agreement",
    "r1-bands",
    "r1-conditions",
)
WITH_PICTURE = ("r1-operators", "r1-memory", "r1-heart-rate", "r1-agreement", "r1-bands")
WIDTH, HEIGHT = 1100, 5200
# As the pages of the machine's makers advise: without these, Chromium looks for Google's hosts at every start.
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    copy_demo(place)
    succeeded(ppg_deploy("quantize", "student.onnx", folder=place))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=place))
    succeeded(
        ppg_deploy(
            "bench", "--emulator", "unicorn", "--count", "2", "--data", str(DEMO / "test.npz"), folder=place
        )
    )
    succeeded(ppg_deploy("report", folder=place))
    return place


@pytest.fixture(scope="module")
def page(folder: Path) -> Path:
    return folder / "build" / "report.html"


def browse(page: Path, profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    command = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", *arguments, page.resolve().as_uri()]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


class Sections(HTMLParser):
    """Ids of sections, and in which of them there are drawn shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: dict[str, int] = {}
        self.words: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._open = dict(attrs).get("id") or ""
            self.shapes[self._open] = 0
            self.words[self._open] = ""
        elif tag in ("rect", "polyline", "path") and self._open:
            self.shapes[self._open] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.words[self._open] += data


def test_every_section_is_there_and_the_browser_does_not_complain(page: Path, tmp_path: Path) -> None:
    seen = browse(page, tmp_path / "profile", "--dump-dom")
    assert seen.returncode == 0, seen.stderr
    found = Sections()
    found.feed(seen.stdout)
    assert tuple(found.shapes) == SECTIONS
    assert all(found.shapes[name] >= 1 for name in WITH_PICTURE)
    # One stroke a window, the legend's apart.
    dots = re.findall(r'class="dots (\w+)"[^>]* d="([^"]*)"', seen.stdout)
    assert {name: path.count("M") for name, path in dots if path.count("M") > 1} == {
        "predicted": 96,
        "agreement": 96,
    }
    assert "96 of 96" in found.words["headline"]
    assert "001 CONV_2D" in found.words["r1-operators"]
    assert (
        "NOT verified" in found.words["r1-energy-estimated"]
        or "not verified" in found.words["r1-energy-estimated"]
    )
    assert not re.findall(r"CONSOLE|Refused to|net::ERR", seen.stderr), seen.stderr


def test_something_can_be_seen(page: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    seen = browse(page, tmp_path / "profile", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={shot}")
    assert seen.returncode == 0, seen.stderr
    pixels = matplotlib.image.imread(shot)[:, :, :3]
    assert pixels.shape[:2] == (HEIGHT, WIDTH)
    # Bars and dots are in one blue, the verdict stands on green: --strong and --good-ground of page.css.
    strong = abs(pixels - [0x1F / 255, 0x5F / 255, 0xA8 / 255]).max(axis=2) < 0.01
    good = abs(pixels - [0xE3 / 255, 0xF4 / 255, 0xEA / 255]).max(axis=2) < 0.01
    assert strong.sum() > 50_000
    assert good[:400].sum() > 20_000
    # Every 400 rows of the content hold something: no section is blank.
    ink = (pixels.max(axis=2) < 0.5).sum(axis=1)
    end = int(ink.nonzero()[0].max())
    assert end > 3_500
    assert all(ink[top : top + 400].sum() > 500 for top in range(0, end - 400, 400))


def test_nothing_is_fetched(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", text)
    assert not re.findall(r"<script|@import|url\((?!data:)", text)
    assert page.stat().st_size < 400_000


def test_wrong_answers_are_not_called_verified(folder: Path, tmp_path: Path) -> None:
    """A result whose outputs differ, made from the real one by hand; its manifest is made anew."""
    import hashlib
    import json

    result = (folder / "build" / "report.json").resolve().parent
    other = tmp_path / "other"
    shutil.copytree(result, other)
    report = json.loads((other / "result.json").read_text())
    report["outputs"]["mismatched"] = 3
    report["outputs"]["first_mismatch"] = {"window": 7, "byte": 0, "expected": 1, "answered": 2}
    (other / "result.json").write_text(json.dumps(report))
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["files"]["result.json"] = hashlib.sha256((other / "result.json").read_bytes()).hexdigest()
    (other / "manifest.json").write_text(json.dumps(manifest))
    html = tmp_path / "wrong.html"
    shown = succeeded(
        ppg_deploy("report", str(other), str(result), "--html", str(html), "--markdown", folder=folder)
    )
    text = html.read_text(encoding="utf-8")
    assert text.count("Not verified") == 1
    assert "3 of 96 windows differ; the first one is window 7, byte 0" in text
    assert "| Windows equal to the golden reference | 93 of 96 | 96 of 96 |" in shown.stdout


def test_a_changed_file_is_named(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "changed"
    shutil.copytree((folder / "build" / "report.json").resolve().parent, other)
    with (other / "samples.npz").open("ab") as stream:
        stream.write(b"x")
    refused = ppg_deploy("report", str(other), folder=folder)
    assert refused.returncode == 2
    assert "samples.npz was changed after the bench" in " ".join(refused.stderr.split())


def test_no_result_yet(tmp_path: Path) -> None:
    refused = ppg_deploy("report", folder=tmp_path)
    assert refused.returncode == 2
    assert "holds no results" in refused.stderr
