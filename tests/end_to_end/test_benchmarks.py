"""The benchmark commands: a stranger's .tflite through the whole table, and unicorn's counts against QEMU's."""

from functools import partial
from pathlib import Path

import pytest

from benchmarks import emulated_cost, networks
from benchmarks.models import Model, known_models
from benchmarks.qemu_check import LARGEST_DIFFERENCE, compare
from ppg_deploy.graph import Graph
from ppg_deploy.tflite import write_tflite
from tests.support.commands import requires_compiler, requires_qemu

pytestmark = requires_compiler


def small() -> Graph:
    return networks.residual_2d(size=12, widths=(8, 16))


def written(graph: Graph, folder: Path) -> Path:
    path = folder / "small.tflite"
    path.write_bytes(write_tflite(graph))
    return path


def test_table_of_a_given_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(small(), tmp_path)
    monkeypatch.setattr("sys.argv", ["emulated_cost", str(path), "--modes", "balanced,size", "--jobs", "1"])
    emulated_cost.main()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if line.startswith("small ")]
    assert [row[1] for row in rows] == ["balanced", "size"]
    for row in rows:
        assert row[-3:] == ["0", "of", "4"]
        # Multiply-accumulates: the two stages, the shortcut, the dense layer.
        assert row[2] == f"{144 * (216 + 2 * 576) + 36 * (1152 + 2304 + 128) + 160:,}"
    assert any(line.startswith("versions: ppg-deploy") for line in lines)


def test_unknown_model_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["emulated_cost", "--models", "pluse"])
    with pytest.raises(SystemExit):
        emulated_cost.main()
    assert "no model 'pluse'; there are: demo-student" in capsys.readouterr().err


def test_peers_count_the_same_multiply_accumulates() -> None:
    from ppg_deploy.graph.shapes import total_multiply_accumulates

    graphs = {"residual-2-folded": partial(networks.residual_folded, 2), "microresnet": networks.microresnet}
    for model in known_models():
        if model.name in graphs:
            assert model.peer is not None
            assert model.peer.macs == total_multiply_accumulates(graphs[model.name]())


@requires_qemu
def test_qemu_counts_the_same() -> None:
    found = compare(Model("small", partial(written, small()), None), "balanced")
    assert found.mismatched == 0
    assert abs(found.difference) < LARGEST_DIFFERENCE
