"""Program of its own: load the .tflite on standard input into TFLM and write what it allocated as JSON.

TFLM ends the process on some wrong models, so it is asked in a process that may die. Needs only tflite-micro.
"""

import json
import resource
import sys

ADDRESS_SPACE_BYTES = 2 << 30


def main() -> int:
    """0 when TFLM accepts the model. TFLM writes its own messages and its allocations to standard error."""
    arena_bytes = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    model = sys.stdin.buffer.read()
    from tflite_micro import runtime

    try:
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
    except Exception as error:  # its exceptions come from C++ and from reading the flatbuffer
        sys.stdout.write(json.dumps({"refused": f"{type(error).__name__}: {error}"}))
        return 0
    sys.stdout.write(json.dumps({"refused": None}))
    interpreter.print_allocations()
    return 0


if __name__ == "__main__":
    sys.exit(main())
