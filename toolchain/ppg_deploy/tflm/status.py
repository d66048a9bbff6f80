"""What a firmware with TFLM means by its status codes; firmware/tflm/ppg_tflm.h has the same list."""

from dataclasses import dataclass

_NAMES = {
    -1: ("the model's schema is not the one that this TFLM reads", "make a tree of another version of TFLM"),
    -2: ("an operator could not be registered", "make a tree of another version of TFLM"),
    -3: ("input or output of the model are not of the expected size", "build the firmware again"),
    -4: ("TFLM could not reset the model's state", "report this model"),
    -5: ("an operator failed during inference", "report this model"),
    -6: ("the profiler did not see every operator", "report the version of TFLM"),
}
MOST_CODES = 16
"""Negative codes from here on are sizes."""


@dataclass(frozen=True)
class Explanation:
    """A status code in words."""

    message: str
    hint: str


def explain_status(runtime: str, status: int) -> Explanation:
    """What `status`, which is not 0, means for a firmware with this runtime."""
    if runtime == "tflm" and status > 0:
        return Explanation(
            f"TFLM's arena is too small: AllocateTensors needs {status} bytes on this device",
            f"build with --tflm-arena {status}",
        )
    if runtime == "tflm" and status < -MOST_CODES:
        return Explanation(
            f"TFLM's AllocateTensors fails even with {-status} bytes, all RAM that is left",
            "use a board with more RAM or a smaller model; if it should fit, TFLM refuses the model itself",
        )
    if runtime == "tflm" and status in _NAMES:
        return Explanation(f"TFLM: {_NAMES[status][0]} (code {status})", _NAMES[status][1])
    return Explanation(
        f"the runtime {runtime} could not prepare the model: code {status}", "build the firmware again"
    )
