"""ppg-deploy: from an ONNX heart-rate student to verified int8 firmware on a microcontroller."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ppg-deploy")
except PackageNotFoundError:
    __version__ = "0+unknown"

__all__ = ["__version__"]
