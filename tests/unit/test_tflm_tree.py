"""`ppg-deploy tflm check`, where the tree is looked for, and what of a tree is compiled how."""

import json
import shutil
from pathlib import Path

import pytest

from ppg_deploy.errors import InputError, UnsupportedModelError
from ppg_deploy.tflm import check_tree, find_tree, open_tree
from ppg_deploy.tflm.layout import Role, role_of
from tests.support.commands import ppg_deploy, succeeded
from tests.support.fake_tflm import TFLM_API, copying_model, fake_tree

THREE_LINES = (
    "git clone https://github.com/tensorflow/tflite-micro",
    "create_tflm_tree.py",
    "export PPG_TFLM_DIR=",
)


def assert_three_lines(text: str) -> None:
    lines = text.splitlines()[-3:]
    assert [line.lstrip().startswith(("git", "python3", "export")) for line in lines] == [True] * 3
    for expected, line in zip(THREE_LINES, lines, strict=True):
        assert expected in line


def test_an_empty_folder_is_no_tree(tmp_path: Path) -> None:
    result = ppg_deploy("tflm", "check", tmp_path, folder=tmp_path)
    assert result.returncode == 2
    assert "it holds no C or C++ file" in result.stderr
    assert "is no complete tree of TFLM" in result.stderr
    assert_three_lines(result.stderr)
    with pytest.raises(InputError, match="it holds no C or C"):
        open_tree(tmp_path)


def test_a_missing_folder_and_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        check_tree(tmp_path / "none")
    monkeypatch.delenv("PPG_TFLM_DIR", raising=False)
    with pytest.raises(InputError, match=r"neither --tflm-dir nor \[tflm\] dir") as caught:
        find_tree(None, None)
    assert_three_lines(caught.value.hint)


def test_full_tree(tmp_path: Path) -> None:
    tree = fake_tree(tmp_path)
    table = succeeded(ppg_deploy("tflm", "check", tree, "-v", folder=tmp_path)).stdout
    assert "complete" in table
    assert "CMSIS-NN: conv, pooling" in table
    report = json.loads(succeeded(ppg_deploy("tflm", "check", tree, "--json", folder=tmp_path)).stdout)
    assert report["problems"] == []
    assert report["uses_cmsis_nn"] is True
    assert report["cmsis_nn_kernels"] == ["conv", "pooling"]
    assert report["reference_kernels"] == ["kernel_util", "reshape"]
    assert report["methods"] == 4
    assert report["narrow_registrations"] == [
        "Register_CONV_2D_INT16",
        "Register_CONV_2D_INT8",
        "Register_MAX_POOL_2D_INT8",
    ]


def test_tree_without_cmsis_nn(tmp_path: Path) -> None:
    tree = fake_tree(tmp_path, cmsis_nn=False)
    report = check_tree(tree)
    assert report.problems == ()
    assert not report.uses_cmsis_nn
    assert report.cmsis_nn_kernels == ()
    assert report.reference_kernels == ("conv", "kernel_util", "pooling", "reshape")
    table = succeeded(
        ppg_deploy("tflm", "check", folder=tmp_path, environment={"PPG_TFLM_DIR": str(tree)})
    ).stdout
    assert "reference (slow: no CMSIS-NN)" in table


@pytest.mark.parametrize(
    "missing",
    [
        "tensorflow/lite/micro/micro_interpreter.h",
        "tensorflow/lite/micro/micro_interpreter.cc",
        "tensorflow/lite/micro/kernels/kernel_util.cc",
        "tensorflow/lite/schema/schema_generated.h",
        "third_party/flatbuffers/include/flatbuffers/flatbuffers.h",
        "third_party/cmsis_nn/Include/arm_nnfunctions.h",
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    tree = fake_tree(tmp_path)
    (tree / missing).unlink()
    assert check_tree(tree).problems == (f"{missing} is missing",)


def test_other_incomplete_trees(tmp_path: Path) -> None:
    tree = fake_tree(tmp_path)
    shutil.rmtree(tree / "third_party/cmsis_nn/Source")
    assert check_tree(tree).problems == ("third_party/cmsis_nn/Source holds no C file",)
    shutil.copy(
        tree / "tensorflow/lite/micro/kernels/cmsis_nn/conv.cc", tree / "tensorflow/lite/micro/kernels"
    )
    assert any("kernel conv is there twice" in problem for problem in check_tree(tree).problems)
    header = tree / "tensorflow/lite/micro/micro_interpreter.h"
    header.write_text(header.read_text().replace("MicroResourceVariables", "ErrorReporter"))
    assert any("it is older than 2022" in problem for problem in check_tree(tree).problems)
    makefile = tree / "tensorflow/lite/micro/tools/make/Makefile"
    makefile.parent.mkdir(parents=True)
    makefile.touch()
    assert "it is a checkout, not a tree" in check_tree(tree).problems[0]


def test_sources_renamed_to_cpp_are_found(tmp_path: Path) -> None:
    """create_tflm_tree.py --rename_cc_to_cpp"""
    tree = fake_tree(tmp_path)
    for path in sorted(tree.rglob("*.cc")):
        path.rename(path.with_suffix(".cpp"))
    assert check_tree(tree).problems == ()


def test_the_fingerprint_is_of_the_contents(tmp_path: Path) -> None:
    tree = fake_tree(tmp_path)
    first = check_tree(tree).fingerprint
    moved = shutil.copytree(tree, tmp_path / "elsewhere")
    assert check_tree(moved).fingerprint == first
    header = moved / "tensorflow/lite/micro/kernels/conv.h"
    header.write_text(header.read_text() + "\n")
    assert check_tree(moved).fingerprint != first


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("tensorflow/lite/micro/kernels/cmsis_nn/conv.cc", Role.KERNEL),
        ("tensorflow/lite/kernels/internal/reference/portable_tensor_utils.cc", Role.KERNEL),
        ("third_party/cmsis_nn/Source/ConvolutionFunctions/arm_convolve_s8.c", Role.KERNEL),
        ("third_party/cmsis/CMSIS/NN/Source/PoolingFunctions/arm_avgpool_s8.c", Role.KERNEL),
        ("tensorflow/lite/micro/micro_allocator.cc", Role.CORE),
        ("tensorflow/compiler/mlir/lite/core/api/error_reporter.cc", Role.CORE),
        ("tensorflow/lite/micro/micro_interpreter_graph.cc", Role.PROFILED),
        ("tensorflow/lite/micro/micro_graph.cpp", Role.PROFILED),
        ("tensorflow/lite/micro/micro_log.cc", Role.PROFILED),
        ("tensorflow/lite/micro/cortex_m_generic/debug_log.cc", None),
        ("tensorflow/lite/micro/micro_time.cc", None),
        ("tensorflow/lite/micro/system_setup.cc", None),
        ("tensorflow/lite/micro/test_helpers.cc", None),
        ("tensorflow/lite/micro/examples/hello_world/main.cc", None),
        ("signal/src/energy.cc", None),
        ("third_party/kissfft/kiss_fft.c", None),
    ],
)
def test_what_is_compiled_how(path: str, role: Role | None) -> None:
    assert role_of(path) == role


def test_precedence_of_the_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPG_TFLM_DIR", "/from/environment")
    assert find_tree(None, None) == Path("/from/environment")
    assert find_tree(None, Path("/from/file")) == Path("/from/file")
    assert find_tree(Path("/from/option"), Path("/from/file")) == Path("/from/option")
    from ppg_deploy.config import load_config

    (tmp_path / "ppg.toml").write_text('[tflm]\ndir = "sources/tflm"\narena = 40000\n')
    config = load_config(tmp_path).tflm
    assert (config.dir, config.arena) == (tmp_path / "sources/tflm", 40000)


def test_an_operator_that_the_tree_lacks_is_named(tmp_path: Path) -> None:
    from ppg_deploy.audit.reading import read_for_audit
    from ppg_deploy.tflm.operators import resolver_calls

    tree = fake_tree(tmp_path)
    header = tree / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    header.write_text(header.read_text().replace("AddReshape", "AddOther"))
    with pytest.raises(UnsupportedModelError, match="has no operator RESHAPE"):
        resolver_calls(read_for_audit(copying_model(), "model"), open_tree(tree))


def test_the_fake_tree_is_ours() -> None:
    for path in sorted((TFLM_API / "tree").rglob("*")):
        assert not path.is_file() or "The TensorFlow Authors" not in path.read_text()
