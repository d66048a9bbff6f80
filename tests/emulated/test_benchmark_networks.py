"""Small versions of the benchmarks' networks: through a .tflite file onto the emulated core, every byte TFLM's."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import networks
from benchmarks.networks.windows import benchmark_windows
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph import Graph
from ppg_deploy.graph.quantized_reference import run_quantized
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.compile_cortex_m4 import cortex_m4

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytest.importorskip("tflite_micro", reason="the extra [golden] is not installed")

SMALL: dict[str, Callable[[], Graph]] = {
    "ic-resnet": lambda: networks.residual_2d(size=10, widths=(8, 12, 20)),
    "kws-dscnn": lambda: networks.depthwise_separable_keywords(frames=13, features=7, channels=12, blocks=2),
    "vww-mobilenet": lambda: networks.mobilenet_v1(size=18, blocks=((16, 1), (24, 2), (24, 1), (40, 2))),
    "ad-autoencoder": lambda: networks.dense_autoencoder(features=70, width=24, code=5),
}
# Multiply-accumulates of kernels.md and of the published networks.
FULL: tuple[tuple[Callable[[], Graph], int], ...] = (
    (networks.pulse, 3_383_328),
    (lambda: networks.residual(1), 2_085_760),
    (lambda: networks.residual(2), 3_109_760),
    (lambda: networks.residual(6), 7_211_520),
    (lambda: networks.residual(10), 11_523_840),
    (lambda: networks.residual_folded(2), 1_103_360),
    (lambda: networks.residual_folded(6), 4_070_528),
    (networks.mobilenet_1d, 2_074_368),
    (networks.microresnet, 2_629_824),
    (networks.timeppg_medium, 3_860_944),
    (networks.residual_2d, 12_501_632),
    (networks.depthwise_separable_keywords, 2_656_768),
    (networks.mobilenet_v1, 7_489_664),
    (networks.dense_autoencoder, 264_192),
)


@pytest.mark.arm
@pytest.mark.parametrize("name", SMALL)
def test_small_network_is_exact_on_cortex_m4(name: str, tmp_path: object) -> None:
    model = write_tflite(SMALL[name]())
    path = tmp_path / "model.tflite"  # type: ignore[operator]
    path.write_bytes(model)
    graph = read_tflite(path)
    codes = quantize_windows(benchmark_windows(graph, 6), graph.input)
    expected = TflmInterpreter(model).run(codes)
    assert np.array_equal(cortex_m4().build(graph).run(codes), expected)
    assert len(np.unique(expected)) > 4


def test_full_networks_have_the_shapes_that_others_published() -> None:
    assert [total_multiply_accumulates(build()) for build, _ in FULL] == [macs for _, macs in FULL]


@pytest.mark.parametrize("build", [build for build, _ in FULL])
def test_no_layer_is_dead_or_saturated(build: Callable[[], Graph]) -> None:
    graph = build()
    codes = quantize_windows(benchmark_windows(graph, 5), graph.input)
    # The last window holds random codes, which no calibration has seen.
    for values in run_quantized(graph, codes[:-1]):
        for operator in graph.operators[:-1]:
            activation = values[operator.output]
            assert activation.std() > 4, operator
            assert np.mean(activation == 127) < 0.3, operator
