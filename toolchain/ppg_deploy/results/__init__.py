"""What a bench leaves behind: a folder of its own with the report, the raw samples and the checksums of both."""

from ppg_deploy.results.folder import (
    MANIFEST_NAME,
    RESULT_NAME,
    SAMPLES_NAME,
    Result,
    ResultManifest,
    load_result,
    newest_result,
    problems_of,
    write_result,
)
from ppg_deploy.results.samples import Samples
from ppg_deploy.results.trace import TRACE_NAME, EnergyTrace

__all__ = [
    "MANIFEST_NAME",
    "RESULT_NAME",
    "SAMPLES_NAME",
    "TRACE_NAME",
    "EnergyTrace",
    "Result",
    "ResultManifest",
    "Samples",
    "load_result",
    "newest_result",
    "problems_of",
    "write_result",
]
