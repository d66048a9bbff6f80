"""What a user of `python -m models.*` sees of an error."""

import pytest

from models.exit_codes import with_exit_codes
from ppg_deploy.errors import DeviceError


def outcome(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    @with_exit_codes
    def main(arguments: list[str] | None = None) -> int:
        assert arguments == ["file"]
        raise error

    code = main(["file"])
    printed = capsys.readouterr()
    assert not printed.out
    return code, printed.err


def test_success_and_its_code_pass() -> None:
    assert with_exit_codes(lambda _: 7)() == 7


def test_our_errors_have_a_message_a_hint_and_their_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(DeviceError("no answer", hint="plug it in"), capsys) == (
        5,
        "error: no answer\nhint: plug it in\n",
    )


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(KeyboardInterrupt(), capsys) == (130, "interrupted\n")


def test_a_missing_package_of_the_extra_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = outcome(ModuleNotFoundError("x", name="scipy.stats"), capsys)
    assert code == 3 and "scipy.stats is not installed" in printed and "ppg-deploy[train]" in printed


def test_bugs_keep_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModuleNotFoundError):
        outcome(ModuleNotFoundError("x", name="models.nowhere"), capsys)
    with pytest.raises(ZeroDivisionError):
        outcome(ZeroDivisionError(), capsys)
