"""`ppg-deploy sweep`: models x boards x runtimes x optimisation levels, each point in a process of its own.

Not to be confused with `quantize --sweep`, which compares calibration methods on one model.
"""

from ppg_deploy.matrix.pareto import pareto_front
from ppg_deploy.matrix.run import MATRIX_FOLDER, run_matrix
from ppg_deploy.matrix.schema import Engine, Figures, Front, MatrixReport, PointRow
from ppg_deploy.matrix.summary import MATRIX_NAME
from ppg_deploy.matrix.sweep_file import SweepFile, load_sweep_file

__all__ = [
    "MATRIX_FOLDER",
    "MATRIX_NAME",
    "Engine",
    "Figures",
    "Front",
    "MatrixReport",
    "PointRow",
    "SweepFile",
    "load_sweep_file",
    "pareto_front",
    "run_matrix",
]
