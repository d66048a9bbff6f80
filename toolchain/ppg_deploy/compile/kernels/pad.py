"""PAD: ppg_pad.h."""

from ppg_deploy.compile.kernels.base import Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import copy_cycles, fill_cycles
from ppg_deploy.compile.steps import PadStep, Step


class PadKernel(Kernel):
    """PAD along rows, columns and channels."""

    activations = None
    name = "pad"
    header = "ppg_pad.h"
    files = ("ppg_pad.c", "ppg_pad.h")
    code_bytes = 340

    def matches(self, step: Step) -> bool:
        """True for PAD."""
        return isinstance(step, PadStep)

    def predicted_cycles(self, step: Step) -> int:
        """Margins, and a copy between two fills at every position."""
        assert isinstance(step, PadStep)
        positions = step.source.rows * step.source.columns
        run = step.source.channels * step.codes.itemsize
        before, after = (amount * step.codes.itemsize for amount in step.pads[2])
        margins = step.output_bytes - positions * (run + before + after)
        each = copy_cycles(run) + fill_cycles(before) + fill_cycles(after) + 15
        return positions * each + margins // 2 + 60 * step.source.rows + 60

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_pad."""
        assert isinstance(step, PadStep) and not in_place
        # Codes of two bytes are padded with zeros, so the kernel may take each byte for a channel.
        code_bytes = step.codes.itemsize
        channel_pads = tuple(amount * code_bytes for amount in step.pads[2])
        pads = (*step.pads[:2], channel_pads)
        parameters = Structure(
            "ppg_pad_t",
            {
                "rows": step.source.rows,
                "columns": step.source.columns,
                "channels": step.source.channels * code_bytes,
                "before": tuple(before for before, _ in pads),
                "after": tuple(after for _, after in pads),
                "value": step.value,
            },
        )
        return Code("ppg_pad", parameters)
