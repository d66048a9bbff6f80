"""What TFLM with CMSIS-NN needs for one inference: figures to compare with, counted elsewhere and not repeated here.

TFLM of August 2026, CMSIS-NN of June 2026, gcc 12.2, kernels at -O2, on an emulated Cortex-M4 with the same timing
model (cortex-m4-zero-wait-state-v1) by a predecessor of this project. Not silicon. Their arena holds input and output
of the model, ours does not. The students' code holds 1 to 2 kB of harness, all default registrations are in it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One inference of TFLM with CMSIS-NN; bytes of arena, of code with read-only data, and of the .tflite file."""

    macs: int
    instructions: int
    cycles_estimated: int
    arena: int
    code: int
    model: int

    @property
    def cycles_per_mac(self) -> float:
        """Estimated cycles for a multiply-accumulate."""
        return self.cycles_estimated / self.macs


PULSE = Peer(3_383_328, 10_619_141, 13_769_576, 37_908, 60_860, 40_664)
RESIDUAL_2 = Peer(3_109_760, 9_615_860, 12_487_594, 24_740, 87_208, 41_064)
RESIDUAL_2_FOLDED = Peer(1_103_360, 2_785_296, 3_557_529, 13_812, 76_252, 42_304)
RESIDUAL_6_FOLDED = Peer(4_070_528, 8_909_510, 11_364_321, 21_124, 76_252, 230_328)
MOBILENET_1D = Peer(2_074_368, 5_151_416, 6_337_702, 23_780, 81_392, 175_992)
MICRORESNET = Peer(2_629_824, 7_489_220, 9_297_331, 33_172, 78_748, 182_456)
KEYWORDS = Peer(2_656_768, 7_699_892, 9_354_240, 22_820, 85_248, 53_936)
AUTOENCODER = Peer(264_192, 582_944, 727_690, 2_580, 31_904, 276_976)
IMAGES = Peer(12_501_632, 29_863_352, 38_434_660, 54_996, 80_108, 98_496)
WAKE_WORDS = Peer(7_489_664, 24_101_962, 29_698_384, 100_708, 85_248, 333_288)
