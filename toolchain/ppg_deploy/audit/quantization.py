"""Element types, scales and zero points. Source: TensorFlow Lite 8-bit quantization specification."""

from math import isfinite

from ppg_deploy.audit.findings import Findings
from ppg_deploy.audit.model import (
    ACTIVATION_TYPES,
    CONVOLUTIONS,
    FLOAT_TYPES,
    AuditModel,
    AuditOperator,
    AuditTensor,
)
from ppg_deploy.audit.report import Severity
from ppg_deploy.audit.tflm_operators import FIXED_OUTPUT, KEEPS_SCALE

# A larger scale means that a padding constant of -3.4e38 or an overflow got into the calibration.
LARGEST_SCALE = 1e3
_KNOWN_TYPES = frozenset({"INT4", "INT8", "INT16", "INT32", "INT64", "BOOL"})
_RANGES = {"INT8": (-128, 127), "UINT8": (0, 255), "INT4": (-8, 7)}
_SYMMETRIC = frozenset({"INT16", "INT32", "INT64"})
_INT8 = "quantise the model to int8 with: ppg-deploy quantize"
_AGAIN = "quantise the model again"
_CLOSE = 0.01


def check_quantization(model: AuditModel, findings: Findings) -> None:
    """Types and parameters of every used tensor, then what operators demand of theirs."""
    used = model.used
    for tensor in model.tensors:
        if tensor.index in used:
            _check_type(tensor, findings)
            _check_parameters(tensor, findings)
    for operator in model.operators:
        _check_activations(model, operator, findings)
        _check_weights(model, operator, findings)
        _check_bias(model, operator, findings)
        _check_scales(model, operator, findings)


def _check_type(tensor: AuditTensor, findings: Findings) -> None:
    if tensor.type in FLOAT_TYPES:
        findings.add(
            Severity.ERROR,
            "float-tensor",
            f"tensor {tensor.name} is {tensor.type}",
            f"{_INT8}; other converters need int8 inputs and outputs requested as well",
            tensor=tensor,
        )
    elif tensor.type not in _KNOWN_TYPES:
        findings.add(
            Severity.ERROR,
            "type",
            f"tensor {tensor.name} has the element type {tensor.type}, which int8 kernels do not take",
            _INT8,
            tensor=tensor,
        )


def _check_parameters(tensor: AuditTensor, findings: Findings) -> None:
    wrong = [scale for scale in tensor.scales if not isfinite(scale) or not 0 < scale < LARGEST_SCALE]
    if wrong:
        findings.add(
            Severity.ERROR,
            "scale",
            f"tensor {tensor.name} has the scale {wrong[0]:g}"
            + (f" ({len(wrong)} wrong scales)" if len(wrong) > 1 else ""),
            "look for infinities, or for a maximum pool padded with -3.4e38, in front of it",
            tensor=tensor,
        )
    if tensor.zero_points and len(tensor.zero_points) != len(tensor.scales):
        findings.add(
            Severity.ERROR,
            "zero-point",
            f"tensor {tensor.name} has {len(tensor.scales)} scales but {len(tensor.zero_points)} zero points",
            _AGAIN,
            tensor=tensor,
        )
    low, high = (0, 0) if tensor.type in _SYMMETRIC else _RANGES.get(tensor.type, (-(1 << 63), 1 << 63))
    outside = [zero for zero in tensor.zero_points if not low <= zero <= high]
    if outside:
        findings.add(
            Severity.ERROR,
            "zero-point",
            f"tensor {tensor.name} ({tensor.type}) has the zero point {outside[0]}, not in {low} to {high}",
            _AGAIN,
            tensor=tensor,
        )


def _check_activations(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    """Codes without parameters mean nothing; batch sizes above 1 waste everything."""
    for index in (*operator.inputs[:1], *operator.outputs):
        tensor = model.tensor(index)
        if tensor is None or tensor.is_constant or tensor.type not in ACTIVATION_TYPES:
            continue
        if not tensor.scales:
            findings.add(
                Severity.ERROR,
                "no-scale",
                f"{operator.label}: tensor {tensor.name} is {tensor.type} without a scale",
                _AGAIN,
                operator=operator,
                tensor=tensor,
            )
        elif len(tensor.scales) > 1:
            findings.add(
                Severity.ERROR,
                "activation-per-channel",
                f"{operator.label}: activation {tensor.name} has {len(tensor.scales)} scales instead of 1",
                _AGAIN,
                operator=operator,
                tensor=tensor,
            )
    if operator.number == 0:
        source = model.input(operator, 0)
        if source is not None and len(source.shape) > 2 and source.shape[0] > 1:
            findings.add(
                Severity.WARNING,
                "batch",
                f"the model takes {source.shape[0]} windows at once",
                "export the model with batch size 1",
                tensor=source,
            )


def _check_weights(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    found = model.weights(operator)
    if found is None:
        return
    weights, axis = found
    if any(zero != 0 for zero in weights.zero_points):
        findings.add(
            Severity.ERROR,
            "weight-zero-point",
            f"{operator.label}: weights {weights.name} have a zero point that is not 0",
            "quantise the weights symmetrically",
            operator=operator,
            tensor=weights,
        )
    if weights.type in FLOAT_TYPES or len(weights.shape) <= axis:
        return
    channels = weights.shape[axis]
    if not weights.scales:
        findings.add(
            Severity.ERROR,
            "no-scale",
            f"{operator.label}: weights {weights.name} have no scale",
            _AGAIN,
            operator=operator,
            tensor=weights,
        )
    elif len(weights.scales) == 1:
        if operator.kind in CONVOLUTIONS and channels > 1:
            findings.add(
                Severity.WARNING,
                "per-tensor-weights",
                f"{operator.label}: weights {weights.name} have one scale for {channels} channels",
                "quantise the weights per channel: it costs nothing and loses less accuracy",
                operator=operator,
                tensor=weights,
            )
    elif len(weights.scales) != channels or weights.axis != axis:
        findings.add(
            Severity.ERROR,
            "weight-axis",
            f"{operator.label}: weights {weights.name} have {len(weights.scales)} scales along axis {weights.axis}, "
            f"expected {channels} along axis {axis}",
            _AGAIN,
            operator=operator,
            tensor=weights,
        )


def _check_bias(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    """int32 (int64 for int16 activations) at the product of the scales of input and weights."""
    found = model.weights(operator)
    if found is None:
        return
    position, source = (3, model.input(operator, 2)) if operator.kind == "TRANSPOSE_CONV" else (2, None)
    source = source or model.input(operator, 0)
    bias, weights = model.input(operator, position), found[0]
    if bias is None or source is None or source.type not in ACTIVATION_TYPES:
        return
    allowed = {"INT32"} if source.type == "INT8" else {"INT32", "INT64"}
    if bias.type not in allowed | FLOAT_TYPES:
        findings.add(
            Severity.ERROR,
            "bias-type",
            f"{operator.label}: bias {bias.name} is {bias.type} for {source.type} activations",
            _AGAIN,
            operator=operator,
            tensor=bias,
        )
    if len(source.scales) != 1 or len(bias.scales) != len(weights.scales):
        return
    for given, scale in zip(bias.scales, weights.scales, strict=True):
        expected = source.scales[0] * scale
        if isfinite(expected) and not abs(given - expected) <= _CLOSE * abs(expected):
            findings.add(
                Severity.WARNING,
                "bias-scale",
                f"{operator.label}: bias {bias.name} has the scale {given:g}; kernels take it as {expected:g}",
                _AGAIN,
                operator=operator,
                tensor=bias,
            )
            return


def _check_scales(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    """Kernels that do not rescale, and kernels with a fixed output scale."""
    source, output = model.input(operator, 0), model.output(operator)
    if source is None or output is None or output.type not in ACTIVATION_TYPES or len(output.scales) != 1:
        return
    if operator.kind in KEEPS_SCALE and source.type == output.type and len(source.scales) == 1:
        same = abs(source.scales[0] - output.scales[0]) <= 1e-6 * abs(output.scales[0])
        if not same or source.zero_points != output.zero_points:
            findings.add(
                Severity.ERROR,
                "scale-changed",
                f"{operator.label} only moves codes, but its input has scale {source.scales[0]:g} and its output "
                f"{output.scales[0]:g} (zero points {source.zero_points} and {output.zero_points})",
                "give both the same quantisation parameters, or put a QUANTIZE between them",
                operator=operator,
                tensor=output,
            )
    if operator.kind in FIXED_OUTPUT and output.type == "INT8":
        scale, zero = FIXED_OUTPUT[operator.kind]
        if abs(output.scales[0] - scale) > 1e-3 * scale or output.zero_points not in ((zero,), ()):
            findings.add(
                Severity.ERROR,
                "fixed-scale",
                f"{operator.label} writes scale {output.scales[0]:g} and zero point {output.zero_points}; "
                f"the kernel demands {scale:g} and {zero}",
                _AGAIN,
                operator=operator,
                tensor=output,
            )
