"""Pickles of the wristband data sets, read without running anything that they name.

A pickle may name any function and have it called. This reader knows the few names that numpy arrays need and refuses
all others before anything is called.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError

# Under which names numpy's own pickles call these; numpy 2 moved numpy.core to numpy._core.
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_PLAIN_BUILTINS = {"set": set, "frozenset": frozenset, "bytearray": bytearray, "complex": complex}


def _latin1_bytes(text: str, encoding: str = "latin1") -> bytes:
    """What Python 3 writes into protocol 2 for bytes; any other encoding is refused."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return text.encode("latin1")


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        from numpy._core import multiarray  # type: ignore[attr-defined, unused-ignore]

        if module in _ARRAY_MODULES and name in ("_reconstruct", "scalar"):
            return getattr(multiarray, name)
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            return _latin1_bytes
        if module == "builtins" and name in _PLAIN_BUILTINS:
            return _PLAIN_BUILTINS[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def load_pickle(path: Path, hint: str) -> dict[str, Any]:
    """Read a pickled dictionary of numpy arrays, numbers and text; Python 2's text is read as latin1.

    Raises:
        InputError: the file cannot be read, is damaged, is no dictionary, or asks for anything but numpy arrays.
    """
    try:
        with path.open("rb") as stream:
            value = _ArraysOnly(stream, encoding="latin1").load()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint=hint) from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is no pickle of arrays: {error}",
            hint="nothing of it was run. A published file holds numpy arrays only: download it anew",
        ) from error
    # A damaged pickle can fail in any of its opcodes, with the exception of whatever that opcode does.
    except Exception as error:
        raise InputError(
            f"{path} is damaged: {type(error).__name__}: {error}", hint="download it anew"
        ) from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a {type(value).__name__}, not a dictionary", hint=hint)
    return value


def entry(value: dict[str, Any], keys: tuple[str, ...], path: Path, hint: str) -> Any:
    """What lies at `keys` of nested dictionaries.

    Raises:
        InputError: a key is missing; the message names it.
    """
    found: Any = value
    for depth, key in enumerate(keys, start=1):
        if not isinstance(found, dict) or key not in found:
            raise InputError(f"{path} has no entry {'/'.join(keys[:depth])}", hint=hint)
        found = found[key]
    return found


def numbers(value: Any, columns: int, what: str, path: Path, hint: str) -> NDArray[np.float64]:
    """An array of (samples, columns) or, for one column, (samples,) as float64 (columns, samples).

    Raises:
        InputError: it is no array of numbers, or has another number of columns.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise InputError(f"{path}: {what} is no array of numbers", hint=hint)
    table = value[:, None] if value.ndim == 1 else value
    if table.ndim != 2 or table.shape[1] != columns or table.shape[0] == 0:
        raise InputError(f"{path}: {what} has shape {value.shape}, expected (samples, {columns})", hint=hint)
    return np.ascontiguousarray(table.T, np.float64)
