"""AVERAGE_POOL_2D and MAX_POOL_2D of int16: ppg_pool16.h."""

from ppg_deploy.compile.kernels.base import Code, Structure
from ppg_deploy.compile.kernels.pool import Pool
from ppg_deploy.compile.steps import PoolStep, Step
from ppg_deploy.graph import DType


class Pool16(Pool):
    """Any pool, one channel at a time."""

    activations = DType.INT16
    name = "pool16"
    header = "ppg_pool16.h"
    files = ("ppg_pool16.c", "ppg_pool16.h", "ppg_requant16.h", "ppg_simd16.h")

    def matches(self, step: Step) -> bool:
        """True for both pools of int16."""
        return isinstance(step, PoolStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_average_pool16 or ppg_max_pool16."""
        assert isinstance(step, PoolStep)
        del in_place
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_pool16_t",
            {
                "rows": source.rows,
                "columns": source.columns,
                "channels": source.channels,
                "out_rows": target.rows,
                "out_columns": target.columns,
                "kernel_rows": window.kernel[0],
                "kernel_columns": window.kernel[1],
                "stride_rows": window.stride[0],
                "stride_columns": window.stride[1],
                "pad_top": window.before[0],
                "pad_left": window.before[1],
                "low": step.low,
                "high": step.high,
            },
        )
        return Code(f"ppg_{step.pooling.value}_pool16", parameters)
