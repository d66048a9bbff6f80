"""Structure: one subgraph, tensors that exist and are written before they are read, fixed shapes, nothing dead."""

from ppg_deploy.audit.findings import Findings
from ppg_deploy.audit.model import HUGE, AuditModel, AuditOperator, AuditTensor
from ppg_deploy.audit.report import Severity

_AGAIN = "convert the model again"
_FIXED = "export the model with a fixed batch size of 1 and a fixed window length"


def check_structure(model: AuditModel, findings: Findings) -> None:
    """Everything that makes a file no list of operators over fixed tensors."""
    if model.subgraphs != 1:
        findings.add(
            Severity.ERROR,
            "subgraphs",
            f"the model has {model.subgraphs} subgraphs",
            "export a model without control flow (if, while)",
        )
    if not model.operators:
        findings.add(Severity.ERROR, "no-operators", "the model has no operators", _AGAIN)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        findings.add(
            Severity.WARNING,
            "ports",
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "ppg-deploy build needs exactly one of each",
        )
    used = model.used
    for tensor in model.tensors:
        if tensor.index in used:
            _check_tensor(tensor, findings)
    for tensor in model.dead:
        findings.add(
            Severity.WARNING,
            "dead-tensor",
            f"tensor {tensor.name} ({tensor.type}, {tensor.constant_bytes or tensor.byte_size} bytes) "
            "belongs to no operator",
            "convert the model again with a converter that removes what is not used",
            tensor=tensor,
        )
    _check_order(model, findings)
    _check_dead_operators(model, findings)


def _check_tensor(tensor: AuditTensor, findings: Findings) -> None:
    if any(size < 0 for size in (*tensor.shape, *(tensor.signature or ()))):
        shape = tensor.signature or tensor.shape
        findings.add(
            Severity.ERROR,
            "dynamic-shape",
            f"tensor {tensor.name} has the dynamic shape {shape}",
            _FIXED,
            tensor=tensor,
        )
        return
    if not tensor.size:
        findings.add(
            Severity.ERROR,
            "empty-tensor",
            f"tensor {tensor.name} of shape {tensor.shape} has no elements",
            _AGAIN,
            tensor=tensor,
        )
    elif tensor.size >= HUGE:
        findings.add(
            Severity.ERROR,
            "huge-tensor",
            f"tensor {tensor.name} of shape {tensor.shape} fits no memory",
            _AGAIN,
            tensor=tensor,
        )
    elif tensor.is_constant and tensor.byte_size and tensor.constant_bytes != tensor.byte_size:
        findings.add(
            Severity.ERROR,
            "constant-size",
            f"constant {tensor.name} of shape {tensor.shape} needs {tensor.byte_size} bytes, "
            f"but the file holds {tensor.constant_bytes}",
            _AGAIN,
            tensor=tensor,
        )
    if tensor.is_variable:
        findings.add(
            Severity.INFO,
            "variable",
            f"tensor {tensor.name} keeps its contents from one inference to the next",
            "reset the state when a new recording starts",
            tensor=tensor,
        )


def _check_order(model: AuditModel, findings: Findings) -> None:
    written = set(model.inputs)
    for where, indices in (("input", model.inputs), ("output", model.outputs)):
        for index in indices:
            if model.tensor(index) is None:
                _bad_index(findings, f"the model's {where}", index, None)
    for operator in model.operators:
        if not operator.outputs:
            findings.add(
                Severity.ERROR, "no-output", f"{operator.label} writes nothing", _AGAIN, operator=operator
            )
        for index in operator.inputs:
            tensor = model.tensor(index)
            if tensor is None:
                if index != -1:
                    _bad_index(findings, operator.label, index, operator)
            elif index not in written and not tensor.is_constant and not tensor.is_variable:
                findings.add(
                    Severity.ERROR,
                    "order",
                    f"{operator.label} reads {tensor.name} before any operator writes it",
                    _AGAIN,
                    operator=operator,
                    tensor=tensor,
                )
        for index in operator.outputs:
            tensor = model.tensor(index)
            if tensor is None:
                _bad_index(findings, operator.label, index, operator)
            elif index in written or tensor.is_constant:
                findings.add(
                    Severity.ERROR,
                    "order",
                    f"{operator.label} writes {tensor.name}, which is written already or a constant",
                    _AGAIN,
                    operator=operator,
                    tensor=tensor,
                )
        written.update(operator.outputs)
    for index in model.outputs:
        tensor = model.tensor(index)
        if tensor is not None and index not in written and not tensor.is_constant:
            findings.add(
                Severity.ERROR, "order", f"no operator writes the output {tensor.name}", _AGAIN, tensor=tensor
            )


def _bad_index(findings: Findings, where: str, index: int, operator: AuditOperator | None) -> None:
    findings.add(
        Severity.ERROR,
        "bad-index",
        f"{where} names tensor {index}, which the file does not have",
        _AGAIN,
        operator=operator,
    )


def _check_dead_operators(model: AuditModel, findings: Findings) -> None:
    wanted = set(model.outputs)
    for operator in reversed(model.operators):
        if wanted & set(operator.outputs):
            wanted.update(operator.inputs)
            continue
        findings.add(
            Severity.WARNING,
            "dead-operator",
            f"{operator.label} does nothing for the output",
            "TFLM computes it nevertheless; convert the model again without it",
            operator=operator,
        )
