"""Program: print the builtin operators that the installed tflite-micro has, one a line.

Every operator gets a process of its own, because kernels may end it when they see a model made for asking.
"""

import os
import sys
import tempfile

from ai_edge_litert import schema_py_generated as schema
from tflite_micro import runtime

from tests.support.tflite_files import FileMaker


def has(opcode: int) -> bool:
    """True when TFLM finds a registration."""
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 4))
    maker.operator(opcode, [source], [output])
    content = maker.content([source], [output])
    with tempfile.TemporaryFile() as messages:
        child = os.fork()
        if child == 0:
            os.dup2(messages.fileno(), 2)
            try:
                runtime.Interpreter.from_bytes(content, arena_size=100_000)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        messages.seek(0)
        return b"Didn't find op" not in messages.read()


if __name__ == "__main__":
    for name, code in vars(schema.BuiltinOperator).items():
        if isinstance(code, int) and name != "CUSTOM" and has(code):
            sys.stdout.write(f"{name}\n")
