"""The second route's parent process: a worker that fails, crashes, hangs or is missing. TensorFlow is not needed."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.errors import AccuracyError, EnvironmentProblem, InputError, UnsupportedModelError
from ppg_deploy.handover import load_report
from ppg_deploy.onnx2tf_route import convert_with_onnx2tf, route, worker
from ppg_deploy.quantization import QuantizeSettings
from tests.support.onnx_networks import OnnxNetwork

X = np.zeros((3, 4, 25), np.float32)
SOURCE = Path("student.onnx")


def use_worker(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Run `text` in the place of worker.py, as if the packages were there."""
    script = folder / "fake_worker.py"
    script.write_text(text)
    monkeypatch.setattr(worker, "__file__", str(script))
    monkeypatch.setattr(route, "find_spec", lambda name: name)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "find_spec", lambda name: None if name == "onnx2tf" else name)
    with pytest.raises(EnvironmentProblem, match=r"not installed: onnx2tf$") as caught:
        convert_with_onnx2tf(b"", X, SOURCE)
    assert "ppg-deploy[tf]" in caught.value.hint


def test_command_line_says_what_to_install(tmp_path: Path) -> None:
    if not route.missing_packages():
        pytest.skip("the [tf] extra is installed")
    model = save_regressor(tmp_path)
    command = [sys.executable, "-c", "from ppg_deploy.cli.main import run; run()", "quantize", str(model)]
    done = subprocess.run(
        [*command, "--converter", "onnx2tf"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3
    assert 'pip install "ppg-deploy[tf]"' in done.stderr
    assert not (tmp_path / "build").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "open('error.txt', 'w').write('ValueError: axis 3\\n  more'); raise SystemExit(1)",
            "ValueError: axis 3$",
        ),
        (
            "open('error.txt', 'w').write('SystemExit: 1')\n"
            "print('\\x1b[31mERROR:\\x1b[0m Einsum OP is not yet implemented.\\n\\n bye')\nraise SystemExit(1)",
            "ERROR: Einsum OP is not yet implemented.$",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process died of SIGSEGV"),
        ("raise SystemExit(5)", "exit status 5"),
        ("pass", "exit status 0"),
        ("print('x' * 5000); raise SystemExit(1)", "x{300}$"),
    ],
)
def test_failure_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    script: str,
    reason: str,
) -> None:
    use_worker(monkeypatch, tmp_path, script)
    with pytest.raises(UnsupportedModelError, match=f"student.onnx: onnx2tf cannot convert it: {reason}"):
        convert_with_onnx2tf(b"", X, SOURCE)
    assert capfd.readouterr() == ("", "")


def ends_within(limit_s: float, pid: int) -> bool:
    """A killed process is gone, or waits for its parent, only once it has been scheduled again."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_worker_that_hangs_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "child"
    use_worker(
        monkeypatch,
        tmp_path,
        "import subprocess, time\n"
        f"child = subprocess.Popen(['sleep', '60'])\nopen({str(note)!r}, 'w').write(str(child.pid))\ntime.sleep(60)",
    )
    started = time.monotonic()
    with pytest.raises(UnsupportedModelError, match="did not finish within 2 s"):
        convert_with_onnx2tf(b"", X, SOURCE, time_limit_s=2.0)
    assert time.monotonic() - started < 20
    assert ends_within(5.0, int(note.read_text()))


def save_regressor(folder: Path) -> Path:
    net = OnnxNetwork((1, 4, 25))
    mean = net.add("ReduceMean", net.conv("x", 4, 8, (3,)), axes=[2], keepdims=0)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((120, 4, 25)).astype(np.float32)
    np.savez(folder / "student.calib.npz", x=x, hr=rng.uniform(50, 170, 120).astype(np.float32))
    return net.save(folder / "student.onnx", net.dense(mean, 8, 1))


def use_our_own_file(monkeypatch: pytest.MonkeyPatch, folder: Path, model: Path, change: str = "") -> None:
    """A worker that answers with what the first route made of `model`, and with onnxruntime's float answers."""
    api.quantize(model, out=folder / "direct")
    use_worker(
        monkeypatch,
        folder,
        "import json, shutil, onnxruntime, numpy as np\n"
        "session = onnxruntime.InferenceSession('model.onnx')\n"
        "x = np.load('windows.npy')\n"
        "y = [session.run(None, {session.get_inputs()[0].name: w[None]})[0].reshape(-1) for w in x[:32]]\n"
        f"y = np.stack(y).astype(np.float32)\n{change}\n"
        "np.save('float.npy', y)\n"
        f"shutil.copy({str(folder / 'direct' / 'model.tflite')!r}, 'model.tflite')\n"
        "json.dump({'peak_kib': 1000, 'versions': {'onnx2tf': '1'}}, open('result.json', 'w'))\n",
    )


def test_report_of_the_second_route(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = save_regressor(tmp_path)
    use_our_own_file(monkeypatch, tmp_path, model)
    report = api.quantize(model, out=tmp_path / "out", converter="onnx2tf")
    direct = load_report(tmp_path / "direct" / "quantize.json")
    assert direct.converter == "direct"
    assert direct.onnx2tf is None
    assert report.converter == "onnx2tf"
    assert report.onnx2tf is not None
    assert report.onnx2tf.peak_bytes == 1_024_000
    assert load_report(tmp_path / "out" / "quantize.json") == report
    # The same file, so the same answers, axes and error.
    assert (tmp_path / "out" / "model.tflite").read_bytes() == (
        tmp_path / "direct" / "model.tflite"
    ).read_bytes()
    assert report.accuracy == direct.accuracy
    assert report.model.input == direct.model.input
    assert [facts.clipped for facts in report.operators] == [facts.clipped for facts in direct.operators]
    assert all(facts.sqnr_db is None for facts in report.operators)
    assert any("cannot be forced" in warning for warning in report.warnings)


def test_float_model_that_differs_from_onnxruntime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model = save_regressor(tmp_path)
    use_our_own_file(monkeypatch, tmp_path, model, change="y[3] += 0.01 * abs(y).max()")
    with pytest.raises(AccuracyError, match="differs from onnxruntime"):
        api.quantize(model, out=tmp_path / "out", converter="onnx2tf")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        (QuantizeSettings(method="mse"), "--method"),
        (QuantizeSettings(bias_correction=True), "--bias-correction"),
        (QuantizeSettings(output_range=(0.0, 220.0)), "--output-range"),
    ],
)
def test_what_tensorflow_cannot_do_is_refused(
    tmp_path: Path, settings: QuantizeSettings, option: str
) -> None:
    with pytest.raises(InputError, match=f"option {option}: not available"):
        api.quantize(save_regressor(tmp_path), out=tmp_path / "out", converter="onnx2tf", settings=settings)


def test_clipped_windows_calibrate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The worker gets the windows clipped; a copy of them tells."""
    model = save_regressor(tmp_path)
    copy = tmp_path / "seen.npy"
    use_our_own_file(monkeypatch, tmp_path, model, change=f"shutil.copy('windows.npy', {str(copy)!r})")
    settings = QuantizeSettings(input_clip=1.5)
    report = api.quantize(model, out=tmp_path / "out", converter="onnx2tf", settings=settings)
    given = np.load(tmp_path / "student.calib.npz")["x"]
    assert report.calibration.input_limits is not None
    low, high = report.calibration.input_limits
    assert high == pytest.approx(1.5 * given.std() + given.mean(), rel=0.05)
    np.testing.assert_allclose(np.load(copy), np.clip(given, low, high), rtol=1e-6)
