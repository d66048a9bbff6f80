"""AVERAGE_POOL_2D and MAX_POOL_2D: ppg_pool.h."""

from ppg_deploy.compile.kernels.base import Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.steps import Pooling, PoolStep, Step

_RECIPROCAL_BITS = 31
# |sum| + count / 2 stays below 129 * count, so the quotient is exact while 129 * count^2 < 2^31.
_LARGEST_RECIPROCAL_COUNT = 4080
# So that sum and rounding stay within 16 bits.
_LARGEST_SHIFT_COUNT = 128
# Larger windows are summed in 32 bits, one channel at a time.
_LARGEST_PACKED_COUNT = 255


class Pool(Kernel):
    """Any pool, 4 channels at a time."""

    name = "pool"
    header = "ppg_pool.h"
    files: tuple[str, ...] = ("ppg_pool.c", "ppg_pool.h")
    code_bytes = 1450

    def matches(self, step: Step) -> bool:
        """True for both pools."""
        return isinstance(step, PoolStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input when there is no padding: then every window starts at or behind its output."""
        assert isinstance(step, PoolStep)
        return () if step.window.is_padded else step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Positions, words of 4 channels or single channels, and values of a window."""
        assert isinstance(step, PoolStep)
        kernel = step.window.kernel
        values = kernel[0] * kernel[1]
        divides = step.pooling is Pooling.AVERAGE and _shift(step) == 0
        words, rest = divmod(step.source.channels, 4)
        if step.pooling is Pooling.AVERAGE and values > _LARGEST_PACKED_COUNT:
            words, rest = 0, step.source.channels
        per_word = 30 + 45 * divides + 8 * kernel[0] + 9.5 * values
        per_channel = 30 + 15 * divides + 8 * kernel[0] + 8.2 * values
        positions = step.target.rows * step.target.columns
        return round(positions * (110 + words * per_word + rest * per_channel) + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_average_pool or ppg_max_pool."""
        assert isinstance(step, PoolStep)
        del in_place
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_pool_t",
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
                "shift": _shift(step),
                "reciprocal": _reciprocal(step),
            },
        )
        return Code(f"ppg_{step.pooling.value}_pool", parameters, features=_features(step))


def _features(step: PoolStep) -> frozenset[str]:
    if step.pooling is Pooling.MAX:
        return frozenset()
    kernel = step.window.kernel
    # Windows at a padded border may be small although the kernel is not.
    is_large = kernel[0] * kernel[1] > _LARGEST_PACKED_COUNT
    features = set()
    if step.source.channels % 4 or is_large:
        features.add("PPG_USES_POOL_SINGLES")
    if step.source.channels >= 4 and (not is_large or step.window.is_padded):
        features.add("PPG_USES_POOL_SHIFTS" if _shift(step) else "PPG_USES_POOL_DIVISIONS")
    return frozenset(features)


def _count(step: PoolStep) -> int:
    """Values in every window, or 0 when windows at the border hold fewer."""
    return 0 if step.window.is_padded else step.window.kernel[0] * step.window.kernel[1]


def _shift(step: PoolStep) -> int:
    count = _count(step)
    return count.bit_length() - 1 if 0 < count <= _LARGEST_SHIFT_COUNT and count & (count - 1) == 0 else 0


def _reciprocal(step: PoolStep) -> int:
    count = _count(step)
    return -(-(1 << _RECIPROCAL_BITS) // count) if 0 < count <= _LARGEST_RECIPROCAL_COUNT else 0
