"""Multiply-accumulates of any operator with weights, without trusting its shapes."""

from math import prod

from ppg_deploy.audit.model import AuditModel, AuditOperator, AuditTensor


def macs(model: AuditModel, operator: AuditOperator) -> int:
    """Multiply-accumulates of one operator, padding included; 0 for operators without weights or with wrong shapes."""
    source, output = model.input(operator, 0), model.output(operator)
    if source is None or output is None:
        return 0
    if operator.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        return _lstm(model, operator, source)
    if operator.kind == "BATCH_MATMUL":
        return _batch_matmul(operator, source, output)
    found = model.weights(operator)
    if found is None:
        return 0
    weights = found[0]
    if len(weights.shape) != (2 if operator.kind == "FULLY_CONNECTED" else 4) or not weights.size:
        return 0
    if operator.kind == "TRANSPOSE_CONV":
        data = model.input(operator, 2)
        return 0 if data is None else data.size * prod(weights.shape[:3])
    if operator.kind == "DEPTHWISE_CONV_2D":
        return output.size * weights.shape[1] * weights.shape[2]
    return output.size * (weights.size // weights.shape[0])


def _batch_matmul(operator: AuditOperator, source: AuditTensor, output: AuditTensor) -> int:
    if len(source.shape) < 2:
        return 0
    inner = source.shape[-2 if getattr(operator.options, "adjX", False) else -1]
    return output.size * max(inner, 0)


# Inputs 1 to 8 of the operator: weights of the four gates for the input and for the last output.
# Source: tensorflow/lite/kernels/internal/lstm_shared (lstm_shared.h).
_GATE_WEIGHTS = range(1, 9)


def _lstm(model: AuditModel, operator: AuditOperator, source: AuditTensor) -> int:
    """Every gate's weights are used once at each time step of each sequence."""
    if len(source.shape) != 3 or not source.size:
        return 0
    tensors = (model.input(operator, position) for position in _GATE_WEIGHTS)
    return source.shape[0] * source.shape[1] * sum(tensor.size for tensor in tensors if tensor is not None)
