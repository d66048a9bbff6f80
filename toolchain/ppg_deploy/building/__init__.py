"""Building a rendered project with PlatformIO, offline, and measuring the image."""

from ppg_deploy.building.compiler import Compiler, find_compiler
from ppg_deploy.building.firmware import BuildResult, build_firmware, read_build
from ppg_deploy.building.platformio import platformio_version
from ppg_deploy.building.size import Limits, SizeReport, Usage, measure_size

__all__ = [
    "BuildResult",
    "Compiler",
    "Limits",
    "SizeReport",
    "Usage",
    "build_firmware",
    "find_compiler",
    "measure_size",
    "platformio_version",
    "read_build",
]
