"""MATLAB files of the published data sets."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError


def load_matlab(path: Path, variables: tuple[str, ...], hint: str) -> dict[str, Any]:
    """Read the named variables of a .mat file, as far as it has them; MATLAB structs become nested objects.

    Raises:
        InputError: the file cannot be read, is damaged, or is in the HDF5 form that scipy does not read.
    """
    from scipy.io import loadmat

    try:
        contents = loadmat(path, variable_names=list(variables), squeeze_me=False, struct_as_record=False)
    except NotImplementedError as error:
        raise InputError(
            f"{path} is a MATLAB 7.3 file",
            hint="save it from MATLAB with -v7; the published one is not in 7.3",
        ) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", hint=hint) from error
    # scipy lets the errors of its stream reader through: ValueError, TypeError, zlib.error, MatReadError.
    except Exception as error:
        raise InputError(
            f"{path} is damaged: {type(error).__name__}: {error}", hint="download it anew"
        ) from error
    return {name: value for name, value in contents.items() if name in variables}


def matrix(contents: dict[str, Any], name: str, path: Path, hint: str) -> NDArray[np.float64]:
    """Variable `name` as a float64 matrix.

    Raises:
        InputError: the file has no such variable, or it is no matrix of numbers.
    """
    if name not in contents:
        raise InputError(f"{path} has no variable {name}", hint=hint)
    value = contents[name]
    if (
        not isinstance(value, np.ndarray)
        or value.dtype.kind not in "fiu"
        or value.ndim != 2
        or not value.size
    ):
        raise InputError(f"{path}: {name} is no matrix of numbers", hint=hint)
    return value.astype(np.float64)


def rows(contents: dict[str, Any], name: str, count: int, path: Path, hint: str) -> NDArray[np.float64]:
    """Variable `name` as (count, samples), one row a channel.

    Raises:
        InputError: see `matrix`, or it has another number of rows.
    """
    value = matrix(contents, name, path, hint)
    if value.shape[0] != count:
        raise InputError(f"{path}: {name} has shape {value.shape}, expected ({count}, samples)", hint=hint)
    return value


def vector(contents: dict[str, Any], name: str, path: Path, hint: str) -> NDArray[np.float64]:
    """Variable `name`, a row or a column, as (samples,).

    Raises:
        InputError: see `matrix`, or it is neither a row nor a column.
    """
    value = matrix(contents, name, path, hint)
    if 1 not in value.shape:
        raise InputError(f"{path}: {name} has shape {value.shape}, expected one row", hint=hint)
    return value.reshape(-1)


def field(value: Any, name: str, where: str, hint: str) -> Any:
    """Field `name` of a 1 by 1 MATLAB struct.

    Raises:
        InputError: it is no struct, or has no such field.
    """
    inner = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not hasattr(inner, name):
        raise InputError(f"{where} has no field {name}", hint=hint)
    return getattr(inner, name)
