"""The models of the table: the demo students, students of ../shared when they are there, and generated networks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import networks, peers
from benchmarks.networks.windows import benchmark_windows, smooth
from benchmarks.peers import Peer
from ppg_deploy import api
from ppg_deploy.graph import Graph
from ppg_deploy.tflite import read_tflite, write_tflite

REPOSITORY = Path(__file__).resolve().parents[1]
_SHARED = REPOSITORY.parent / "shared" / "students"
_DEMOS = (("demo-student", "pulse-demo", peers.PULSE), ("demo-resnet2", "resnet2-demo", peers.RESIDUAL_2))
_CALIBRATION_WINDOWS = 64


@dataclass(frozen=True)
class Model:
    """A row of the table. `write` puts the .tflite file into a folder and returns its path."""

    name: str
    write: Callable[[Path], Path]
    peer: Peer | None


def known_models() -> tuple[Model, ...]:
    """Every model that this machine has."""
    shared = (("pulse_s6", peers.PULSE), ("resnet2_dev", peers.RESIDUAL_2))
    onnx = [
        Model(name, partial(_quantized, REPOSITORY / "models" / folder / "student.onnx"), peer)
        for name, folder, peer in _DEMOS
    ]
    onnx += [
        Model(name, partial(_quantized, _SHARED / f"{name}.onnx"), peer)
        for name, peer in shared
        if (_SHARED / f"{name}.onnx").is_file()
    ]
    generated: tuple[tuple[str, Callable[[], Graph], Peer | None], ...] = (
        ("pulse", networks.pulse, peers.PULSE),
        ("residual-1", partial(networks.residual, 1), None),
        ("residual-2", partial(networks.residual, 2), peers.RESIDUAL_2),
        ("residual-6", partial(networks.residual, 6), None),
        ("residual-10", partial(networks.residual, 10), None),
        ("residual-1-folded", partial(networks.residual_folded, 1), None),
        ("residual-2-folded", partial(networks.residual_folded, 2), peers.RESIDUAL_2_FOLDED),
        ("residual-6-folded", partial(networks.residual_folded, 6), peers.RESIDUAL_6_FOLDED),
        ("residual-10-folded", partial(networks.residual_folded, 10), None),
        ("mobilenet-1d", networks.mobilenet_1d, peers.MOBILENET_1D),
        ("microresnet", networks.microresnet, peers.MICRORESNET),
        ("timeppg-medium", networks.timeppg_medium, None),
        ("ic-resnet", networks.residual_2d, peers.IMAGES),
        ("kws-dscnn", networks.depthwise_separable_keywords, peers.KEYWORDS),
        ("vww-mobilenet", networks.mobilenet_v1, peers.WAKE_WORDS),
        ("ad-autoencoder", networks.dense_autoencoder, peers.AUTOENCODER),
    )
    return (*onnx, *(Model(name, partial(_generated, build), peer) for name, build, peer in generated))


def given_model(path: Path) -> Model:
    """Anybody's int8 .tflite."""
    return Model(path.stem, partial(_as_it_is, path), None)


def write_windows(tflite: Path, count: int, data: Path) -> None:
    """Write a windows file in the shape of the model's input."""
    np.savez(data, x=benchmark_windows(read_tflite(tflite), count))


def _as_it_is(path: Path, _folder: Path) -> Path:
    return path


def _generated(build: Callable[[], Graph], folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(write_tflite(build()))
    return path


def _quantized(onnx: Path, folder: Path) -> Path:
    """Quantise a student: on its own calibration windows, or on noise, which is right for counting only."""
    from ppg_deploy.convert import convert_onnx

    calibration = onnx.with_suffix(".calib.npz")
    if not calibration.is_file():
        shape = convert_onnx(onnx).input_shape[1:]
        noise = np.random.default_rng(0).standard_normal((_CALIBRATION_WINDOWS, *shape))
        calibration = folder / "noise.npz"
        np.savez(calibration, x=smooth(noise))
    card = onnx.with_suffix(".toml")
    api.quantize(onnx, out=folder, calibration=calibration, card=card if card.is_file() else None)
    return folder / "model.tflite"
