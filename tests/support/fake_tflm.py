"""The fake TFLM tree of tests/tflm_api, and a model that its interpreter can run: one that copies."""

import shutil
from pathlib import Path

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import MaxPool2D, Reshape
from ppg_deploy.tflite.writer import write_tflite
from tests.support.int8_graphs import GraphMaker

TFLM_API = Path(__file__).resolve().parents[1] / "tflm_api"
SHAPE = (1, 1, 16, 2)
ELEMENTS = 32
_SCRIPT = "tensorflow/lite/micro/fake_script.h"


def copying_graph() -> Graph:
    """A 1 x 1 max pool and a reshape: the output bytes are those of the input, in TFLM as in the fake."""
    maker = GraphMaker(1)
    parameters = maker.parameters(0.05, 3)
    given, pooled = maker.activation(SHAPE, parameters), maker.activation(SHAPE, parameters)
    flat = maker.activation((1, ELEMENTS), parameters)
    maker.operators += [
        MaxPool2D(inputs=(given,), outputs=(pooled,), filter=(1, 1), stride=(1, 1)),
        Reshape(inputs=(pooled,), outputs=(flat,)),
    ]
    return maker.graph(given, flat)


def copying_model() -> bytes:
    """`copying_graph` as a .tflite file."""
    return write_tflite(copying_graph())


def fake_tree(folder: Path, *, needed_bytes: int = 512, cmsis_nn: bool = True) -> Path:
    """The tree in a folder of its own, its script for `copying_model`."""
    tree = shutil.copytree(TFLM_API / "tree", folder / "tflm tree")
    script = (tree / _SCRIPT).read_text()
    for name, value in (
        ("needed_bytes", needed_bytes),
        ("input_bytes", ELEMENTS),
        ("output_bytes", ELEMENTS),
        ("operators", 2),
        ("registrations", 2),
    ):
        before, _, rest = script.partition(f" {name} = ")
        script = f"{before} {name} = {value};" + rest.partition(";")[2]
    (tree / _SCRIPT).write_text(script)
    if not cmsis_nn:
        without_cmsis_nn(tree)
    return tree


def without_cmsis_nn(tree: Path) -> None:
    """As create_tflm_tree.py makes it without OPTIMIZED_KERNEL_DIR."""
    kernels = tree / "tensorflow/lite/micro/kernels"
    for name in ("conv", "pooling"):
        text = (kernels / "cmsis_nn" / f"{name}.cc").read_text()
        text = text.replace("arm_fake_name()", '"CMSIS"').replace(
            '#include "Include/arm_nnfunctions.h"\n', ""
        )
        lines = [line for line in text.splitlines() if "_INT8" not in line and "_INT16" not in line]
        (kernels / f"{name}.cc").write_text(
            "\n".join(lines).replace("!defined(CMSIS_NN)", "defined(CMSIS_NN)")
        )
    shutil.rmtree(kernels / "cmsis_nn")
    shutil.rmtree(tree / "third_party/cmsis_nn")
