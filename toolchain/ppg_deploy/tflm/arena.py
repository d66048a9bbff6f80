"""How large TFLM's arena has to be on a 32-bit target, before anything has run there.

Two parts are measured: the host interpreter's recording allocator says what tensors, kernels and structures take (the
structures of pointers halve, see audit.tflm_arena). Two are added: CMSIS-NN's scratch and bookkeeping, which the host's
reference kernels do not have, and a reserve of 1/32. Nobody can measure the sum but the device: when it does not
suffice, the firmware reports the size that does.
"""

from dataclasses import dataclass
from math import prod

from ppg_deploy.audit.model import AuditModel, AuditOperator
from ppg_deploy.audit.tflm_arena import measure_tflm
from ppg_deploy.errors import EnvironmentProblem, UnsupportedModelError

ALIGNMENT = 16
"""Of the arena; TFLM: MicroArenaBufferAlignment()."""
SMALLEST_BYTES = 2048
"""TFLM places its own allocator in the arena before it can report an error."""
OPERATOR_BYTES = 32
"""Kernel data of CMSIS-NN beyond the reference's (an index or two), its scratch handle, alignment."""
PLANNER_BYTES = 96
"""The memory planner's records per activation: they use the arena before the tensors do."""
RESERVE_SHARE = 32


@dataclass(frozen=True)
class ArenaSize:
    """Bytes of the arena, and what they are made of."""

    total: int
    measured_32bit: int
    scratch: int
    margin: int

    @property
    def explanation(self) -> str:
        """One line for people."""
        return (
            f"{self.measured_32bit} recorded on the host and converted to 32 bits, {self.scratch} scratch of CMSIS-NN, "
            f"{self.margin} margin"
        )


def size_arena(model: AuditModel, data: bytes, *, uses_cmsis_nn: bool) -> ArenaSize:
    """The size to reserve.

    Args:
        model: the audited model.
        data: the same file's contents.
        uses_cmsis_nn: kernels of CMSIS-NN will run.

    Raises:
        UnsupportedModelError: TFLM's host interpreter refuses the model.
        EnvironmentProblem: it is not installed, or its allocations cannot be read.
    """
    facts = measure_tflm(model, data)
    if facts.accepted is False:
        raise UnsupportedModelError(
            f"TFLM refuses the model: {facts.reason}", hint="build this model with --runtime aot"
        )
    measured = facts.arena_32bit_estimate_bytes
    if measured is None or facts.arena_tensors_bytes is None:
        raise EnvironmentProblem(
            f"TFLM's arena cannot be measured: {facts.reason}",
            hint="install the [golden] extra (Linux x86-64), or give the size with --tflm-arena BYTES",
        )
    scratch = max((scratch_bytes(model, operator) for operator in model.operators), default=0)
    scratch = scratch if uses_cmsis_nn else 0
    activations = sum(not tensor.is_constant for tensor in model.tensors)
    planning = max(PLANNER_BYTES * activations - facts.arena_tensors_bytes, 0)
    margin = OPERATOR_BYTES * len(model.operators) + planning
    margin += (measured + scratch + margin) // RESERVE_SHARE
    total = max(measured + scratch + margin, SMALLEST_BYTES)
    total += -total % ALIGNMENT
    return ArenaSize(total, measured, scratch, total - measured - scratch)


def scratch_bytes(model: AuditModel, operator: AuditOperator) -> int:
    """Most scratch that CMSIS-NN asks for on a core with the DSP extension.

    Two columns of int16 per convolution (arm_convolve_s8_get_buffer_size: 2 * kernel * input channels, rounded up to
    4, int16), one for depthwise ones, an int32 per channel for average pools, and for an LSTM four gates of int16.
    """
    given, made = model.input(operator, 0), model.output(operator)
    if given is None or made is None:
        return 0
    channels = given.shape[-1] if given.shape else 0
    if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        weights = model.input(operator, 1)
        if weights is None or len(weights.shape) != 4:
            return 0
        column = weights.shape[1] * weights.shape[2] * weights.shape[3]
        return 2 * 2 * (column + -column % 4)
    if operator.kind == "AVERAGE_POOL_2D":
        return 4 * channels
    if operator.kind == "BATCH_MATMUL":
        second = model.input(operator, 1)
        return (given.byte_size + (0 if second is None else second.byte_size)) * 2
    if operator.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        return 6 * 2 * prod(made.shape[-1:]) + 4 * channels
    return 0
