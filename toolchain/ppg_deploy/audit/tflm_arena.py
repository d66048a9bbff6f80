"""What TFLM allocates for a model, asked of its own recording allocator in another process."""

import importlib.util
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from ppg_deploy.audit import tflm_probe
from ppg_deploy.audit.model import AuditModel
from ppg_deploy.audit.report import TflmFacts

# Loading takes well below a second; the limit is for models made to hurt.
_TIMEOUT_S = 8
_LARGEST_ARENA = 512 << 20
# Room for TFLM's own structures: far more than any network that fits a microcontroller needs.
_SPARE_BYTES = 4 << 20
_SPARE_PER_TENSOR = 1024
# TFLM aligns both ends of the arena; an odd size would show up in its figures.
_ALIGNMENT = 16
_LINE = re.compile(r"Arena allocation (total|head|tail) (\d+) bytes")
_KERNEL_DATA = re.compile(r"'Persistent buffer data' used (\d+) bytes")


def measure_tflm(model: AuditModel, data: bytes) -> TflmFacts:
    """Load a model whose structure is sound into TFLM's host interpreter and read its allocations.

    Args:
        model: the audited model.
        data: the same file's contents.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return unmeasured("the package tflite-micro is not installed: pip install 'ppg-deploy[golden]'")
    arena = sum(t.byte_size for t in model.tensors if not t.is_constant) + _SPARE_BYTES
    arena += _SPARE_PER_TENSOR * len(model.tensors) + len(data)
    arena += -arena % _ALIGNMENT
    if arena > _LARGEST_ARENA:
        return unmeasured(f"its activations alone need up to {arena} bytes")
    command = [sys.executable, "-P", str(Path(tflm_probe.__file__)), str(arena)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return _facts(accepted=False, reason=f"TFLM did not finish loading it within {_TIMEOUT_S} s")
    messages = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        return _facts(
            accepted=False, reason=f"TFLM's interpreter ended with code {done.returncode}{_last(messages)}"
        )
    refused = json.loads(done.stdout)["refused"]
    if refused is not None:
        return _facts(accepted=False, reason=f"{refused}{_last(messages)}")
    sizes = {match[1]: int(match[2]) for match in _LINE.finditer(messages)}
    kernel_data = _KERNEL_DATA.search(messages)
    if "total" not in sizes or kernel_data is None:
        return _facts(accepted=True, reason="its allocations could not be read")
    return _facts(
        accepted=True,
        reason=None,
        total=sizes["total"],
        head=sizes["head"],
        estimate=estimate_32bit(sizes["head"], sizes["tail"], int(kernel_data[1])),
    )


def estimate_32bit(head: int, tail: int, kernel_data: int) -> int:
    """Arena on a 32-bit target from the host's: tensors and the kernels' own data (mostly int32 arrays) stay; the rest
    of the tail is structures of pointers, which halve. CMSIS-NN's scratch is not in it.
    """
    return -(-(head + kernel_data + (tail - kernel_data) // 2) // _ALIGNMENT) * _ALIGNMENT


def unmeasured(reason: str) -> TflmFacts:
    """Nothing is known about this model in TFLM."""
    return _facts(accepted=None, reason=reason)


def _facts(
    *,
    accepted: bool | None,
    reason: str | None,
    total: int | None = None,
    head: int | None = None,
    estimate: int | None = None,
) -> TflmFacts:
    return TflmFacts(
        accepted=accepted,
        reason=reason,
        version=None if accepted is None else f"tflite-micro {version('tflite-micro')}",
        arena_host_bytes=total,
        arena_tensors_bytes=head,
        arena_32bit_estimate_bytes=estimate,
    )


def _last(messages: str) -> str:
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f" ({'; '.join(lines[-3:])})" if lines else ""
