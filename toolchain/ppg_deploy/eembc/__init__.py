"""EEMBC's command set for MLPerf Tiny as another language of the firmware, and what its public runner needs beside it.

See docs/eembc.md.
"""

from ppg_deploy.eembc.application import (
    BAUD,
    eembc_application,
    model_id_of,
)
from ppg_deploy.eembc.real import ExactScale, as_printed, exact_scale
from ppg_deploy.eembc.runner_files import RunnerFiles, write_runner_files

__all__ = [
    "BAUD",
    "ExactScale",
    "RunnerFiles",
    "as_printed",
    "eembc_application",
    "exact_scale",
    "model_id_of",
    "write_runner_files",
]
