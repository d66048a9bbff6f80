"""Where the files of firmware/ and boards/ are: inside the wheel, or beside toolchain/ in a checkout."""

from pathlib import Path

from ppg_deploy.errors import InternalError

_PACKAGE = Path(__file__).resolve().parent


def shipped_folder(name: str) -> Path:
    """Folder `firmware` or `boards` as a real directory.

    Raises:
        InternalError: the installation is incomplete.
    """
    for candidate in (_PACKAGE / "shipped" / name, _PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise InternalError(f"the installed package has no {name}/ folder", hint="reinstall ppg-deploy")
