"""What the commands `python -m models.*` make of errors: a message on standard error and an exit code, no traceback."""

import functools
import sys
from collections.abc import Callable

from ppg_deploy.errors import EnvironmentProblem, PpgDeployError

# As ppg-deploy and shells have it: 128 + SIGINT.
_INTERRUPTED = 130
_TRAIN_EXTRA = ("onnxscript", "scipy", "torch")
Main = Callable[[list[str] | None], int]


def with_exit_codes(main: Main) -> Callable[..., int]:
    """A `main` that answers with the exit code of its PpgDeployError, 3 without the [train] extra, 130 on Ctrl-C."""

    @functools.wraps(main)
    def run(arguments: list[str] | None = None) -> int:
        try:
            return main(arguments)
        except PpgDeployError as error:
            return _report(error)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _TRAIN_EXTRA:
                raise
            return _report(
                EnvironmentProblem(f"{error.name} is not installed", hint='pip install "ppg-deploy[train]"')
            )
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return _INTERRUPTED

    return run


def _report(error: PpgDeployError) -> int:
    print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
    return error.exit_code
