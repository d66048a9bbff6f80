"""Operators: does a runtime have them in int8, and are depthwise convolutions really depthwise."""

from ppg_deploy.audit.findings import Findings
from ppg_deploy.audit.model import FLOAT_TYPES, AuditModel, AuditOperator
from ppg_deploy.audit.report import Severity
from ppg_deploy.audit.tflm_operators import FLOAT_ONLY, INDICES, INT8, REGISTERED
from ppg_deploy.graph.operators import TFLITE_NAMES

AOT_KINDS = frozenset(TFLITE_NAMES.values())


def in_tflm(operator: AuditOperator) -> bool:
    """True when TFLM has an int8 kernel for it."""
    return not operator.is_custom and operator.kind in INT8 | INDICES


def in_aot(operator: AuditOperator) -> bool:
    """True when ppg-deploy's compiler knows the kind."""
    return not operator.is_custom and operator.kind in AOT_KINDS


def check_operators(model: AuditModel, findings: Findings) -> None:
    """Every operator against the lists of both runtimes, then the shape of its convolutions."""
    for operator in model.operators:
        _check_availability(operator, findings)
        _check_float(model, operator, findings)
        if operator.kind == "CONV_2D":
            _check_groups(model, operator, findings)


def _check_availability(operator: AuditOperator, findings: Findings) -> None:
    if operator.is_custom:
        findings.add(
            Severity.ERROR,
            "custom-operator",
            f"{operator.label} is a custom operator",
            "no microcontroller runtime has it; convert the model with builtin operators only",
            operator=operator,
        )
    elif not in_tflm(operator) and not in_aot(operator):
        reason = (
            "runs in float only" if operator.kind in FLOAT_ONLY else "has no arithmetic on a microcontroller"
        )
        findings.add(
            Severity.ERROR,
            "operator",
            f"{operator.label} {reason if operator.kind in REGISTERED else 'exists in no runtime'}: "
            "neither TFLM nor ppg-deploy has it in int8",
            "change the layer in the model, or cut it off and compute it outside",
            operator=operator,
        )
    elif not in_tflm(operator):
        findings.add(
            Severity.WARNING,
            "tflm-operator",
            f"{operator.label} is not among TFLM's int8 operators",
            "build with the aot runtime",
            operator=operator,
        )
    elif not in_aot(operator):
        findings.add(
            Severity.WARNING,
            "aot-operator",
            f"{operator.label} is not among the operators of ppg-deploy build",
            f"it has: {', '.join(sorted(AOT_KINDS))}",
            operator=operator,
        )


def _check_float(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    tensors = (model.tensor(index) for index in (*operator.inputs, *operator.outputs))
    if any(tensor is not None and tensor.type in FLOAT_TYPES for tensor in tensors):
        findings.add(
            Severity.ERROR,
            "float-operator",
            f"{operator.label} computes in float",
            "it is an island between int8 operators or the model was never quantised: ppg-deploy quantize",
            operator=operator,
        )


def _check_groups(model: AuditModel, operator: AuditOperator, findings: Findings) -> None:
    source, found = model.input(operator, 0), model.weights(operator)
    if source is None or found is None or len(source.shape) != 4 or len(found[0].shape) != 4:
        return
    channels, depth = source.shape[3], found[0].shape[3]
    if depth < 1 or channels == depth:
        return
    if channels % depth:
        findings.add(
            Severity.ERROR,
            "groups",
            f"{operator.label}: {channels} channels do not divide into groups of {depth}",
            "convert the model again",
            operator=operator,
            tensor=found[0],
        )
    elif depth == 1:
        findings.add(
            Severity.WARNING,
            "depthwise-as-grouped",
            f"{operator.label} is a depthwise convolution of {channels} channels written as a grouped one",
            "convert it to DEPTHWISE_CONV_2D (ppg-deploy quantize does): grouped kernels are several times slower",
            operator=operator,
        )
    else:
        findings.add(
            Severity.INFO,
            "grouped-convolution",
            f"{operator.label} has {channels // depth} groups of {depth} channels",
            "runs everywhere, but not on the fast paths",
            operator=operator,
        )
