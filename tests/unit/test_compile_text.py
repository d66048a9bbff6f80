"""The generated C text: reproducible, complete, and safe whatever the tensors are called."""

import dataclasses
import re
from pathlib import Path

import pytest

from ppg_deploy.compile import CompiledModel, compile_graph
from ppg_deploy.graph import Graph
from ppg_deploy.project import ModelSources
from ppg_deploy.shipped import shipped_folder
from ppg_deploy.tflite.reader import read_tflite
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_networks import NetworkBuilder, pulse_like, resnet_like

SHA256 = "0123456789abcdef" * 4


def _compiled(graph: Graph, dsp: bool = True) -> CompiledModel:
    return compile_graph(graph, model_sha256=SHA256, dsp=dsp)


def _defines(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#define (PPG_MODEL_\w+) (.+)$", text, re.MULTILINE))


def test_same_graph_gives_the_same_text_also_through_a_file(tmp_path: Path) -> None:
    for graph in (pulse_like(), resnet_like()):
        path = tmp_path / "model.tflite"
        path.write_bytes(write_tflite(graph))
        once = _compiled(read_tflite(path))
        assert once == _compiled(read_tflite(path))
        direct = _compiled(graph)
        assert direct.files["model_data.c"] == once.files["model_data.c"]


def test_model_h_states_the_sizes() -> None:
    compiled = _compiled(pulse_like())
    defines = _defines(compiled.files["model.h"])
    assert defines == {
        "PPG_MODEL_RUNTIME": '"aot"',
        "PPG_MODEL_SHA256": f'"{SHA256}"',
        "PPG_MODEL_OPERATORS": str(len(compiled.operators)),
        "PPG_MODEL_ARENA_BYTES": str(compiled.arena_bytes),
        "PPG_MODEL_INPUT_BYTES": "1024",
        "PPG_MODEL_OUTPUT_BYTES": "1",
    }


def test_every_kernel_file_exists_and_every_include_is_listed() -> None:
    runtime = shipped_folder("firmware") / "runtime"
    for graph in (pulse_like(), resnet_like()):
        compiled = _compiled(graph)
        assert set(compiled.kernel_files) <= {path.name for path in runtime.iterdir()}
        texts = [*compiled.files.values(), *((runtime / name).read_text() for name in compiled.kernel_files)]
        included = {name for text in texts for name in re.findall(r'#include "([^"]+)"', text)}
        assert included <= {*compiled.kernel_files, *compiled.files, "ppg_model_api.h"}


def test_result_fits_the_project_that_renders_it() -> None:
    compiled = _compiled(pulse_like())
    sources = ModelSources(
        runtime=compiled.runtime,
        files=compiled.files,
        model_sha256=compiled.model_sha256,
        kernel_files=compiled.kernel_files,
        arena_bytes=compiled.arena_bytes,
        arena_symbol=compiled.arena_symbol,
    )
    assert compiled.arena_symbol in sources.files["model.c"]


def test_names_from_the_model_file_cannot_leave_a_comment() -> None:
    net = NetworkBuilder(1, (1, 1, 4, 4))
    output = net.dense(net.input, 2)
    graph = net.graph(output)
    evil = '*/ #include "/etc/passwd"\nint x; /* \\\n??/\n'
    operator = dataclasses.replace(graph.operators[0], outputs=(evil,))
    tensors = {**graph.tensors, evil: dataclasses.replace(graph.tensors[output], name=evil)}
    hostile = Graph(evil, tensors, (operator,), graph.inputs, (evil,))
    for text in _compiled(hostile).files.values():
        assert "passwd" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert "??/" not in text


@pytest.mark.parametrize("dsp", [True, False])
def test_dsp_code_refuses_to_build_without_the_extension(dsp: bool) -> None:
    assert ("#error" in _compiled(pulse_like(), dsp).files["model.c"]) is dsp


def test_lines_are_short_and_nothing_names_this_machine() -> None:
    for text in _compiled(resnet_like()).files.values():
        assert "/home" not in text
        assert "\n\n\n" not in text
