"""build --hop and --ram-budget, bench --sliding: a recording as a user of the demo student would stream it."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, requires_qemu, succeeded
from tests.support.compile_networks import resnet_like

pytestmark = requires_compiler

WINDOWS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo student with windows of two subjects; the second one's recording has a gap."""
    folder = copy_demo(tmp_path_factory.mktemp("sliding"))
    data = np.load(DEMO / "test.npz")
    rows = [*range(20, 29), *range(40, 47)]
    np.savez(folder / "recording.npz", **{name: data[name][rows] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    return folder


def _read(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "build" / name).read_text()))


def _build(folder: Path, *options: str, board: str = "nucleo-l4") -> str:
    return succeeded(ppg_deploy("build", "--board", board, *options, folder=folder)).stdout


def _bench(folder: Path, *options: str, emulator: str = "unicorn") -> dict[str, Any]:
    succeeded(
        ppg_deploy(
            "bench", "--emulator", emulator, "--sliding", "--data", "recording.npz", *options, folder=folder
        )
    )
    return _read(folder, "report.json")


def _restarts(windows: np.ndarray[Any, Any], hop: int) -> int:
    """Of raw windows, time on the last axis; the normalisation is constant."""
    follows = [np.array_equal(b[..., :-hop], a[..., hop:]) for a, b in itertools.pairwise(windows)]
    return len(windows) - sum(follows)


def test_recording_is_exact_and_costs_less(folder: Path) -> None:
    text = _build(folder, "--hop", "auto", "--explain")
    assert "saved" in text
    manifest, operators = _read(folder, "firmware/manifest.json"), _read(folder, "firmware/operators.json")
    assert (manifest["hop"], manifest["ram_budget"]) == (64, None)
    # What the reference's notes say of this student: the window and the pooled outputs of two blocks.
    assert operators["push"]["kept_bytes"] == 4 * 256 + 4 * 64 * 16 + 4 * 16 * 24
    explained = _read(folder, "firmware/explain.json")["push"]
    assert explained["macs"] == operators["push"]["macs"] == sum(o["macs"] for o in explained["operators"])
    assert sum(explained["kept"].values()) == explained["kept_bytes"]

    report = _bench(folder, "--count", "3")
    sliding, whole = report["sliding"], report["cost"]
    recorded = np.load(folder / "recording.npz")["x"]
    assert sliding["answers"] == sliding["outputs"]["compared"] == WINDOWS
    assert sliding["restarts"] == _restarts(recorded, 64)
    assert sliding["restarts"] == 3
    assert sliding["outputs"]["mismatched"] == report["outputs"]["mismatched"] == 0
    outputs = np.load(folder / "build" / "outputs.npz")
    assert np.array_equal(outputs["y_sliding"], outputs["y_int8"])

    # Counted from entry to return of ppg_model_push, and every part of it belongs to an operator.
    cost = sliding["cost"]
    assert cost["instructions"]["count"] == 3
    assert cost["instructions"]["median"] < 0.75 * whole["instructions"]["median"]
    assert cost["cycles_estimated"]["median"] < 0.75 * whole["cycles_estimated"]["median"]
    for parts in ("by_operator", "by_function"):
        total = sum(share["instructions"] for share in cost[parts])
        assert cost["instructions"]["min"] <= total <= cost["instructions"]["max"]
    assert sum(share["macs"] or 0 for share in cost["by_operator"]) == sliding["macs"]
    assert [share["name"][4:10] for share in cost["by_operator"][-2:]] == ["STREAM", ""]
    assert cost["by_operator"][-1]["instructions"] < 1000
    assert (cost["cycles"], cost["latency_ms"]) == (None, None)
    assert report["firmware"]["hop"] == 64


def test_windows_that_do_not_follow_each_other(folder: Path) -> None:
    _build(folder, "--hop", "32")
    report = _bench(folder, "--count", "1")
    sliding = report["sliding"]
    assert sliding["restarts"] == sliding["answers"] == WINDOWS
    assert sliding["outputs"]["mismatched"] == 0
    assert sliding["cost"]["instructions"] is None
    assert "moved on by 32 samples" in sliding["cost"]["note"]


def test_ram_budget_is_met_with_sliding_windows_or_refused(folder: Path) -> None:
    (folder / "ppg.toml").write_text('[build]\nboard = "nucleo-l4"\nhop = 64\nram_budget = 5000\n')
    refused = ppg_deploy("build", folder=folder)
    assert refused.returncode == 4
    smallest = int(refused.stderr.split("--ram-budget ")[1].split()[0])
    succeeded(ppg_deploy("build", "--ram-budget", str(smallest), folder=folder))
    (folder / "ppg.toml").unlink()
    manifest = _read(folder, "firmware/manifest.json")
    assert (manifest["hop"], manifest["ram_budget"]) == (64, smallest)
    assert manifest["arena_bytes"] == smallest
    report = _bench(folder, "--count", "1")
    assert report["memory"]["arena"] == smallest
    assert report["sliding"]["outputs"]["mismatched"] == report["outputs"]["mismatched"] == 0
    assert report["firmware"]["ram_budget"] == smallest


def test_without_hop_there_is_nothing_to_stream(folder: Path) -> None:
    _build(folder)
    refused = ppg_deploy("bench", "--emulator", "unicorn", "--sliding", folder=folder)
    assert refused.returncode == 2
    assert "built without sliding windows" in refused.stderr
    assert "--hop SAMPLES" in refused.stderr
    assert _read(folder, "firmware/manifest.json")["hop"] is None


@pytest.mark.parametrize("hop", ["0", "-3", "often", "1.5"])
def test_hops_that_are_no_number_of_samples(folder: Path, hop: str) -> None:
    refused = ppg_deploy("build", "--board", "nucleo-l4", f"--hop={hop}", folder=folder)
    assert refused.returncode == 2
    assert f"--hop {hop} is neither a number of samples nor auto" in refused.stderr


def test_windows_normalised_by_themselves_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "build", tmp_path / "build", ignore=shutil.ignore_patterns("firmware"))
    report = _read(folder, "quantize.json")
    report["card"]["input"]["channel"][0] = {"name": "PPG", "normalise": "window"}
    (tmp_path / "build" / "quantize.json").write_text(json.dumps(report))
    refused = ppg_deploy("build", "--board", "nucleo-l4", "--hop", "64", folder=tmp_path)
    assert refused.returncode == 2
    assert 'input.channel.0.normalise is "window"' in refused.stderr


@requires_qemu
def test_strangers_model_on_both_emulators(tmp_path: Path) -> None:
    """A generated residual network whose window the hop does not divide; no card, one gap."""
    hop, columns = 30, 200
    graph = resnet_like(channels=8, classes=20)
    (tmp_path / "their.tflite").write_bytes(write_tflite(graph))
    rows, channels = graph.input.shape[1], graph.input.shape[3]
    signal = (
        np.random.default_rng(5).uniform(-2, 2, (2, rows, columns + 4 * hop, channels)).astype(np.float32)
    )
    x = [signal[part, :, at : at + columns] for part in (0, 1) for at in range(0, 4 * hop + 1, hop)]
    np.savez(tmp_path / "recording.npz", x=np.stack(x))
    _build(tmp_path, "--model", "their.tflite", "--hop", str(hop), board="netduinoplus2")
    reports = {name: _bench(tmp_path, emulator=name) for name in ("unicorn", "qemu")}
    for report in reports.values():
        assert (report["sliding"]["answers"], report["sliding"]["restarts"]) == (10, 2)
        assert report["sliding"]["outputs"]["mismatched"] == report["outputs"]["mismatched"] == 0
    counts = [reports[name]["sliding"]["cost"]["instructions"] for name in ("unicorn", "qemu")]
    assert counts[0]["count"] == counts[1]["count"] == 8
    assert counts[1]["median"] == pytest.approx(counts[0]["median"], rel=1e-3)


def test_auto_needs_a_card(tmp_path: Path, folder: Path) -> None:
    shutil.copy(folder / "build" / "model.tflite", tmp_path / "their.tflite")
    refused = ppg_deploy(
        *("build", "--board", "nucleo-l4", "--model", "their.tflite", "--hop", "auto"), folder=tmp_path
    )
    assert refused.returncode == 2
    assert "this model has none" in refused.stderr
