"""CONV_2D by Kronecker substitution in several passes over the input channels: ppg_kronecker.h."""

import numpy as np

from ppg_deploy.compile.kernels.kronecker import Form, KroneckerConvolution, Plan
from ppg_deploy.compile.kernels.kronecker_packing import SUMMED_AT, fields_hold
from ppg_deploy.compile.kernels.kronecker_passes import passes_of
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import accumulator_ranges, constant_codes, proven_factors
from ppg_deploy.compile.steps import ConvolutionStep, WeightedStep

_PASSES_BYTES = 810


class WideKroneckerConvolution(KroneckerConvolution):
    """Those whose accumulators span more than 21 bits, up to 4 times as much."""

    def __init__(self, *, halves: bool) -> None:
        super().__init__(halves=halves)
        self.name = "conv_kronecker_wide_halves" if halves else "conv_kronecker_wide"
        self.features |= {"PPG_USES_KRONECKER_PASSES"}
        self.code_bytes += _PASSES_BYTES

    def _plan(self, step: ConvolutionStep) -> Plan | None:
        if fields_hold(step):
            return None
        passes, form = passes_of(step), _summed_form(step)
        return None if passes is None or form is None else Plan(passes, form)


@once_per_weights
def _summed_form(step: WeightedStep) -> Form | None:
    """The requantisation behind several passes, whose sums lack the least accumulator."""
    proven = proven_factors(step)
    if proven is None:
        return None
    words = [
        (*factor.words, 0 if constant is not None else 2 * lowest)
        for factor, constant, (lowest, _) in zip(
            proven, constant_codes(step), accumulator_ranges(step), strict=True
        )
    ]
    return Form(SUMMED_AT, np.array(words, np.int64), 115)
