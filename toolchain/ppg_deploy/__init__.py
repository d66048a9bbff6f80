"""ppg-deploy: from an ONNX heart-rate student to verified int8 firmware on a microcontroller."""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """`__version__`, looked up when asked for: importlib.metadata costs a tenth of the start-up time."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ppg-deploy")
    except PackageNotFoundError:
        return "0+unknown"
