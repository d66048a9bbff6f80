"""A student of four channels and 25 samples with its card and windows, small enough to quantise in no time."""

from pathlib import Path

import numpy as np

from tests.support.onnx_networks import OnnxNetwork

SCALAR = 'decode = "scalar"\nvalid_bpm = [30.0, 210.0]'
ARGMAX = 'decode = "argmax"\nfirst_bin_bpm = 40.0\nbin_width_bpm = 2.0\nvalid_bpm = [30.0, 210.0]'
CARD = """
schema = 1
name = "small"
[input]
sample_rate_hz = 5.0
window_s = 5.0
stride_s = 2.0
{channels}
[output]
{output}
"""
CHANNELS = "".join(f'[[input.channel]]\nname = "C{index}"\nnormalise = "none"\n' for index in range(4))


def write_card(folder: Path, output: str) -> None:
    (folder / "student.toml").write_text(CARD.format(channels=CHANNELS, output=output))


def write_windows(
    folder: Path, count: int = 120, *, labels: bool = True, subjects: int = 0, name: str = "student.calib.npz"
) -> Path:
    """Random windows; with subjects, each has an equal run of them."""
    rng = np.random.default_rng(3)
    path = folder / name
    arrays = {"x": rng.standard_normal((count, 4, 25)).astype(np.float32)}
    if labels:
        arrays["hr"] = rng.uniform(50, 170, count).astype(np.float32)
    if subjects:
        arrays["subject"] = np.repeat([f"s{index}" for index in range(subjects)], count // subjects)
    np.savez(path, **arrays)
    return path


def write_regressor(folder: Path) -> Path:
    """Mean of the signal, blown up so that answers reach beyond the valid range."""
    net = OnnxNetwork((1, 4, 25))
    mean = net.add("ReduceMean", net.conv("x", 4, 8, (3,)), axes=[2], keepdims=0)
    weights = net.constant(np.full((1, 8), 40.0, np.float32))
    bias = net.constant(np.array([110.0], np.float32))
    return net.save(folder / "student.onnx", net.add("Gemm", mean, weights, bias, transB=1))
