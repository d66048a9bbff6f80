"""Versions of this tool and of the packages whose behaviour reaches the results."""

import platform
from importlib.metadata import PackageNotFoundError, version

from ppg_deploy import __version__

_PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "ai-edge-litert",
    "tflite-micro",
    "platformio",
    "unicorn",
    "capstone",
)


def tool_versions() -> dict[str, str]:
    """Name -> version; packages that are not installed are left out."""
    found = {"ppg-deploy": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
