"""Estimates fitted to one chip at one clock: core cycles, scaled, plus a price for every new line read from flash.

docs/timing-model.md has the sources of the fits and their limits.
"""

from dataclasses import dataclass

from ppg_deploy.timing.model import TimingModel

FLASH_LINE_BYTES = 16
_THOUSANDTHS = 1000


@dataclass(frozen=True)
class Calibration:
    """cycles = core_factor * core cycles + cycles_per_flash_line * flash lines, for `chip` at `clock_hz` only.

    A flash line is counted whenever a data read from flash leaves the aligned FLASH_LINE_BYTES bytes that the data
    read before it lay in. Factors are in thousandths, so that sums do not depend on their order.
    """

    chip: str
    clock_hz: int
    core_factor_thousandths: int
    cycles_per_flash_line_thousandths: int
    leave_one_out_error_percent: float
    fitted_on: str

    def cycles(self, core_cycles: int, flash_lines: int) -> int:
        """Estimated cycles of the chip, to the nearest."""
        thousandths = (
            self.core_factor_thousandths * core_cycles + self.cycles_per_flash_line_thousandths * flash_lines
        )
        return (thousandths + _THOUSANDTHS // 2) // _THOUSANDTHS


@dataclass(frozen=True)
class CalibratedModel:
    """A core's timing model and its calibration for one chip."""

    name: str
    core: TimingModel
    calibration: Calibration

    def cycles(self, address: int, code: bytes, next_address: int) -> int:
        """Core cycles: what the calibration is applied to, once per total. See `TimingModel.cycles`."""
        return self.core.cycles(address, code, next_address)


STM32L4R5_120MHZ = Calibration(
    chip="stm32l4r5",
    clock_hz=120_000_000,
    core_factor_thousandths=1062,
    cycles_per_flash_line_thousandths=1880,
    leave_one_out_error_percent=3.8,
    fitted_on="eight MLPerf Tiny v1.1 binaries timed on NUCLEO-L4R5ZI, 5 wait states, ART on; none of them is ours",
)
