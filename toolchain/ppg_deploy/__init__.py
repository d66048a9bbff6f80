"""ppg-deploy: from an ONNX heart-rate student to verified int8 firmware on a microcontroller.

The three commands as functions: `ppg_deploy.quantize`, `.build` and `.bench` return the typed results that the command
line prints; docs/python-api.md. Nothing here prints.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppg_deploy.api import bench as bench
    from ppg_deploy.api import build as build
    from ppg_deploy.api import flash as flash
    from ppg_deploy.api import inspect as inspect
    from ppg_deploy.api import quantize as quantize

_FUNCTIONS = ("bench", "build", "flash", "inspect", "quantize")

__all__ = ["__version__", *_FUNCTIONS]


def __getattr__(name: str) -> Any:
    """Looked up when asked for: importlib.metadata alone costs a tenth of the command line's start-up time."""
    if name in _FUNCTIONS:
        from ppg_deploy import api

        return getattr(api, name)
    if name != "__version__":
        raise AttributeError(f"module 'ppg_deploy' has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ppg-deploy")
    except PackageNotFoundError:
        return "0+unknown"
