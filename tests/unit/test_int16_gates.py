"""The gates of the int8 LSTM: every int16 code against TFLM, and the table in C against the one in Python."""

import re
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.graph.int16_gates import SIGMOID_TABLE, sigmoid16, tanh16
from tests.support.foreign_tflite import TfliteFile

RUNTIME = Path(__file__).resolve().parents[2] / "firmware" / "runtime"
CODES = np.arange(-(1 << 15), 1 << 15)


def _tflm(opcode: int, input_scale: float) -> np.ndarray:
    runtime = pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter").runtime
    file = TfliteFile()
    source = file.tensor((1, len(CODES)), schema.TensorType.INT16, input_scale)
    output = file.tensor((1, len(CODES)), schema.TensorType.INT16, 2.0**-15)
    file.operator(opcode, [source], [output], version=3)
    interpreter = runtime.Interpreter.from_bytes(file.content(source, output), arena_size=1 << 20)
    interpreter.set_input(CODES.astype(np.int16)[None], 0)
    interpreter.invoke()
    return np.array(interpreter.get_output(0)).reshape(-1)


def test_sigmoid_of_every_code() -> None:
    np.testing.assert_array_equal(sigmoid16(CODES), _tflm(schema.BuiltinOperator.LOGISTIC, 2.0**-12))


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_tanh_of_every_code(shift: int) -> None:
    expected = _tflm(schema.BuiltinOperator.TANH, 2.0 ** (shift - 12))
    np.testing.assert_array_equal(tanh16(CODES, shift), expected)


def test_both_are_what_they_are_called() -> None:
    real = CODES / 4096.0
    np.testing.assert_allclose(sigmoid16(CODES) / 32768.0, 1.0 / (1.0 + np.exp(-real)), atol=1e-4)
    np.testing.assert_allclose(tanh16(CODES, 0) / 32768.0, np.tanh(real), atol=1e-4)


def test_table_in_c_is_the_table_in_python() -> None:
    text = (RUNTIME / "ppg_lstm.c").read_text()
    found = re.search(r"sigmoid_table\[256\] = \{([^}]*)\}", text)
    assert found is not None
    assert [
        int(number) for number in found[1].replace("\n", " ").rstrip(", ").split(",")
    ] == SIGMOID_TABLE.tolist()
