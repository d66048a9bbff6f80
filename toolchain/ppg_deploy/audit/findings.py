"""Collecting findings: one constructor per severity, so that the checks read as sentences."""

from ppg_deploy.audit.model import AuditOperator, AuditTensor
from ppg_deploy.audit.report import Finding, Severity

# A file with one thousand wrong tensors is as wrong as one with this many.
MOST_OF_A_CODE = 20


class Findings:
    """Findings in order; more than MOST_OF_A_CODE with the same code are counted, not kept."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: dict[tuple[Severity, str], int] = {}

    def add(
        self,
        severity: Severity,
        code: str,
        message: str,
        hint: str,
        *,
        operator: AuditOperator | None = None,
        tensor: AuditTensor | None = None,
    ) -> None:
        """Note one finding."""
        count = self._counts.get((severity, code), 0)
        self._counts[severity, code] = count + 1
        if count < MOST_OF_A_CODE:
            self._kept.append(
                Finding(
                    severity=severity,
                    code=code,
                    message=message,
                    hint=hint,
                    operator=None if operator is None else operator.number,
                    tensor=None if tensor is None else tensor.name,
                )
            )

    def has(self, severity: Severity) -> bool:
        """True when there is a finding of this severity."""
        return any(known is severity for known, _ in self._counts)

    def all(self) -> tuple[Finding, ...]:
        """Every finding, errors first; what was not kept is summed up."""
        cut = [
            Finding(
                severity=severity,
                code=code,
                message=f"{count - MOST_OF_A_CODE} more findings of this kind",
                hint="see the ones above",
            )
            for (severity, code), count in self._counts.items()
            if count > MOST_OF_A_CODE
        ]
        order = list(Severity)
        return tuple(sorted([*self._kept, *cut], key=lambda finding: order.index(finding.severity)))
