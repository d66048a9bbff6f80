"""What a .tflite file is made of and where it can run: any int8 model, ours or a stranger's, compilable or not."""

from ppg_deploy.audit.audit import audit_file, audit_model, require_sound
from ppg_deploy.audit.report import FILE_NAME as INSPECT_NAME
from ppg_deploy.audit.report import AuditReport, Finding, Severity

__all__ = ["INSPECT_NAME", "AuditReport", "Finding", "Severity", "audit_file", "audit_model", "require_sound"]
