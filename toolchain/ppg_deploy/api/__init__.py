"""quantize(), build(), flash(), bench(), compare() and inspect(): what the command line and notebooks call.

Nothing here prints.
"""

from ppg_deploy.api.benching import bench, unfinished_windows
from ppg_deploy.api.building import BuildOutcome, build, build_tflm, flash
from ppg_deploy.api.comparing import compare
from ppg_deploy.api.inspecting import inspect
from ppg_deploy.api.names import (
    DEFAULT_COUNT,
    DEFAULT_OUT,
    FIRMWARE_FOLDER,
    OUTPUTS_NAME,
    REPORT_NAME,
    RESULTS_FOLDER,
    SWEEP_NAME,
    TFLM_FOLDER,
    TFLM_OUTPUTS_NAME,
    TFLM_REPORT_NAME,
    Emulator,
    report_name,
)
from ppg_deploy.api.quantizing import quantize, sweep
from ppg_deploy.api.reporting import ReportPage, report
from ppg_deploy.api.sweeping import sweep_matrix

__all__ = [
    "DEFAULT_COUNT",
    "DEFAULT_OUT",
    "FIRMWARE_FOLDER",
    "OUTPUTS_NAME",
    "REPORT_NAME",
    "RESULTS_FOLDER",
    "SWEEP_NAME",
    "TFLM_FOLDER",
    "TFLM_OUTPUTS_NAME",
    "TFLM_REPORT_NAME",
    "BuildOutcome",
    "Emulator",
    "ReportPage",
    "bench",
    "build",
    "build_tflm",
    "compare",
    "flash",
    "inspect",
    "quantize",
    "report",
    "report_name",
    "sweep",
    "sweep_matrix",
    "unfinished_windows",
]
