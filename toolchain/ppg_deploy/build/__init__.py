"""Building a rendered project with PlatformIO, offline, and measuring the image."""

from ppg_deploy.build.compiler import Compiler, find_compiler
from ppg_deploy.build.firmware import BuildResult, build_firmware, read_build
from ppg_deploy.build.platformio import platformio_version
from ppg_deploy.build.size import Limits, SizeReport, Usage, measure_size

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
