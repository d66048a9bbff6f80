"""Generated int8 networks: shapes and operators of real ones, seeded weights, calibrated scales. Nothing is trained."""

from benchmarks.networks.maker import NetworkMaker
from benchmarks.networks.mlperf_tiny import (
    dense_autoencoder,
    depthwise_separable_keywords,
    mobilenet_v1,
    residual_2d,
)
from benchmarks.networks.students import (
    microresnet,
    mobilenet_1d,
    pulse,
    residual,
    residual_folded,
    timeppg_medium,
)

__all__ = [
    "NetworkMaker",
    "dense_autoencoder",
    "depthwise_separable_keywords",
    "microresnet",
    "mobilenet_1d",
    "mobilenet_v1",
    "pulse",
    "residual",
    "residual_2d",
    "residual_folded",
    "timeppg_medium",
]
