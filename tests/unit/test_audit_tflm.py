"""What the audit says about TFLM, against the interpreter itself; and our own models, which pass without a word."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.audit import audit_file, audit_model
from ppg_deploy.audit.tflm_operators import FIXED_OUTPUT, INT8, KEEPS_SCALE, REGISTERED
from ppg_deploy.errors import AuditError
from ppg_deploy.graph.operators import TFLITE_NAMES
from ppg_deploy.tflite import read_tflite
from tests.support.commands import DEMO, REPOSITORY, ppg_deploy
from tests.support.onnx_networks import OnnxNetwork, pulse_student, residual_network
from tests.support.tflite_files import OPS, FileMaker, small_network

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")


def test_table_of_operators_is_that_of_the_installed_interpreter() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.tflm_opcodes"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == REGISTERED


def test_subsets_of_the_table_hold_together() -> None:
    assert KEEPS_SCALE | set(FIXED_OUTPUT) <= INT8
    for name in TFLITE_NAMES.values():
        assert hasattr(OPS, name)


def network(folder: Path, name: str) -> Path:
    """An ONNX student of ours."""
    path = folder / f"{name}.onnx"
    if name == "pulse":
        return pulse_student(path)
    if name == "residual":
        return residual_network(path, 4)
    net = OnnxNetwork((1, 4, 64))
    x = net.conv("x", 4, 8, (5,), groups=2, pads=[2, 2])
    x = net.add("Relu", net.batch_norm(x, 8))
    x = net.conv(x, 8, 8, (3,), groups=8, pads=[1, 1])
    x = net.add("GlobalAveragePool", net.add("MaxPool", x, kernel_shape=[2], strides=[2]))
    return net.save(path, net.dense(net.add("Flatten", x, axis=1), 8, 1))


@pytest.mark.parametrize("name", ["pulse", "residual", "grouped and depthwise"])
def test_our_own_models_pass(tmp_path: Path, name: str) -> None:
    path = network(tmp_path, name.split()[0])
    shape = {"pulse": (1, 4, 256), "residual": (1, 200), "grouped and depthwise": (4, 64)}[name]
    x = np.random.default_rng(3).standard_normal((100, *shape)).astype(np.float32)
    np.savez(path.with_suffix(".calib.npz"), x=x)
    quantised = api.quantize(path, out=tmp_path)
    report = audit_file(tmp_path / "model.tflite")
    assert report.verdict == "pass", report.findings
    assert report.tflm.accepted
    assert report.macs == quantised.model.macs
    assert report.aot.arena_bytes is not None
    # The same number from the graph, which knows only constants that operators read; RESHAPE and PAD of the file name
    # their shapes in constants of 4 B a number.
    graph = read_tflite(tmp_path / "model.tflite")
    assert 0 <= report.constant_bytes - graph.constant_bytes <= 40 * len(graph.operators)
    assert {row.kind for row in report.operators} >= {"CONV_2D", "FULLY_CONNECTED"}
    if name.startswith("grouped"):
        assert [finding.code for finding in report.findings] == ["grouped-convolution"]
        assert "DEPTHWISE_CONV_2D" in {row.kind for row in report.operators}


def smallest_arena(content: bytes, high: int) -> int:
    """By trying: the smallest arena in which TFLM allocates the model."""
    from tflite_micro import runtime

    low = 0
    while high - low > 16:
        middle = (low + high) // 32 * 16
        try:
            runtime.Interpreter.from_bytes(content, arena_size=middle)
            high = middle
        except RuntimeError:
            low = middle
    return high


def test_arena_is_the_smallest_in_which_tflm_works(capfd: pytest.CaptureFixture[str]) -> None:
    maker, source, output = small_network()
    content = maker.content([source], [output])
    measured = audit_model(content, name="m.tflite").tflm
    assert measured.arena_host_bytes is not None
    tried = smallest_arena(content, 1 << 16)
    capfd.readouterr()
    # While planning, TFLM needs some room that it gives back; measured on this model: 0 to 512 B.
    assert 0 <= tried - measured.arena_host_bytes <= 1024
    assert measured.arena_tensors_bytes is not None
    # 32 B of input and 48 B of output live at the same time, each aligned to 16 B.
    assert measured.arena_tensors_bytes >= 80
    estimate = measured.arena_32bit_estimate_bytes
    assert estimate is not None
    assert measured.arena_tensors_bytes < estimate < measured.arena_host_bytes


def test_a_model_that_kills_tflm_is_a_finding_not_a_crash() -> None:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 4), scale=1 / 256, zero=-128)
    # A softmax without a beta: the interpreter divides by it and ends the process.
    maker.operator(OPS.SOFTMAX, [source], [output], "Softmax", beta=0.0)
    report = audit_model(maker.content([source], [output]), name="m.tflite")
    assert report.tflm.accepted is False
    assert "ended with code" in str(report.tflm.reason)


def test_litert_loads_what_passes() -> None:
    from ai_edge_litert.interpreter import Interpreter

    maker, source, output = small_network()
    content = maker.content([source], [output])
    assert audit_model(content, name="m.tflite").verdict == "pass"
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    assert list(interpreter.get_output_details()[0]["shape"]) == [1, 1, 8, 6]


def test_command_line(tmp_path: Path) -> None:
    maker, source, output = small_network()
    (tmp_path / "good.tflite").write_bytes(maker.content([source], [output]))
    maker, source, output = small_network(zero=3)
    (tmp_path / "bad.tflite").write_bytes(maker.content([source], [output]))
    (tmp_path / "none.tflite").write_bytes(b"nothing")
    passed = ppg_deploy("inspect", "good.tflite", folder=tmp_path)
    assert passed.returncode == 0, passed.stderr
    assert "audit: pass" in passed.stdout
    failed = ppg_deploy("inspect", "bad.tflite", "--json", "--out", "o", folder=tmp_path)
    assert failed.returncode == AuditError.exit_code == 9
    assert failed.stderr.startswith("error: bad.tflite: operator 0 (CONV_2D)")
    assert '"weight-zero-point"' in failed.stdout
    assert (tmp_path / "o" / "inspect.json").read_text() == failed.stdout
    quiet = ppg_deploy("inspect", "good.tflite", "--quiet", folder=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert ppg_deploy("inspect", "none.tflite", folder=tmp_path).returncode == 2


def test_quantize_raises_what_the_audit_finds_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ppg_deploy.audit import quantization

    monkeypatch.setattr(quantization, "LARGEST_SCALE", 1e-6)
    with pytest.raises(AuditError, match="scale"):
        api.quantize(DEMO / "student.onnx", out=tmp_path)
    assert not list(tmp_path.iterdir())
