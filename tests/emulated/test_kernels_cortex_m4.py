"""The SIMD path of the kernels on an emulated Cortex-M4: same bytes as TFLM, nothing else touched, cost as claimed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.against_tflm import compare_on_cortex_m4
from tests.support.compile_cases import FAMILIES
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.compile_host import RUNTIME, WARNINGS
from tests.support.compile_networks import pulse_like, resnet_like, windows_for, with_dead_channel

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNTS = {
    "convolution": 25,
    "padded convolution": 5,
    "depthwise": 6,
    "dense": 10,
    "pool": 10,
    "elementwise": 12,
    "pad": 2,
    "network": 12,
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    for seed in range(5000, 5000 + COUNTS[family]):
        compare_on_cortex_m4(FAMILIES[family](seed))


def test_pulse_like_network_meets_the_cost_goals() -> None:
    graph = pulse_like()
    loaded = compare_on_cortex_m4(graph)
    cost = loaded.cost(windows_for(graph, 3)[5])
    # TFLM with CMSIS-NN: 13.77 M cycles in the same model of the core.
    assert cost.cycles <= 5_500_000
    assert loaded.sizes["ppg_model_arena"] == loaded.compiled.arena_bytes <= 24_700
    assert sum(cost.by_operator.values()) == cost.cycles


def test_dead_channels_do_not_slow_a_network_down() -> None:
    graph = pulse_like(columns=64)
    dead = with_dead_channel(with_dead_channel(graph, 1, 3, 0, -(1 << 30) - 874), 5, 9, -36, -(1 << 30))
    loaded = compare_on_cortex_m4(dead)
    window = windows_for(graph, 3)[5]
    assert loaded.cost(window).cycles == pytest.approx(
        cortex_m4().build(graph).cost(window).cycles, rel=0.001
    )


def test_resnet_like_network_meets_the_cost_goals() -> None:
    graph = resnet_like()
    loaded = compare_on_cortex_m4(graph)
    # TFLM with CMSIS-NN: 12.49 M cycles.
    assert loaded.cost(windows_for(graph, 3)[5]).cycles <= 5_200_000


@pytest.mark.parametrize(
    ("core", "has_dsp"),
    [
        (("-mcpu=cortex-m0plus",), False),
        (("-mcpu=cortex-m3",), False),
        (("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"), True),
        (("-mcpu=cortex-m33",), True),
    ],
    ids=["cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33"],
)
def test_runtime_compiles_without_warnings_for_other_cores(
    core: tuple[str, ...], has_dsp: bool, tmp_path: Path
) -> None:
    flags = [*WARNINGS, *core, "-mthumb", "-O2", "-Wa,--fatal-warnings", f"-I{RUNTIME}"]
    sources = [str(source) for source in sorted(RUNTIME.glob("*.c"))]
    command = ["arm-none-eabi-gcc", *flags, "-c", *sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    listing = ["arm-none-eabi-objdump", "-d", str(tmp_path / "ppg_winograd.o")]
    text = subprocess.run(listing, capture_output=True, text=True, timeout=60, check=True).stdout
    assert ("smlad" in text) == has_dsp


def test_every_operator_is_a_function_and_every_constant_has_the_prefix() -> None:
    loaded = cortex_m4().build(FAMILIES["network"](5000))
    operators = {name for name in loaded.symbols if name.startswith("ppg_model_op_")}
    expected = {f"ppg_model_op_{operator.index:03d}" for operator in loaded.compiled.operators}
    assert operators == expected
    data = {name: size for name, size in loaded.sizes.items() if name.startswith("ppg_model_data_")}
    assert sum(data.values()) == loaded.compiled.constants_bytes
