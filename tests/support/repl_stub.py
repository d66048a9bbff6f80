"""Runs the Python programs of renode.repl as Renode's PythonPeripheral does: one scope that outlives every reset."""

from types import CodeType

from tests.support.repl import Peripheral


class Request:
    """A request as Renode 1.16.1 spells it (src/Emulator/Main/Peripherals/Python/PeripheralPythonEngine.cs)."""

    __slots__ = ("IsInit", "IsRead", "Offset", "Value")

    def __init__(self, kind: str, offset: int, value: int) -> None:
        self.IsInit, self.IsRead, self.Offset, self.Value = kind == "INIT", kind == "READ", offset, value

    def answer(self) -> int:
        return self.Value


class OldRequest:
    """The same up to Renode 1.15."""

    __slots__ = ("isInit", "isRead", "offset", "value")

    def __init__(self, kind: str, offset: int, value: int) -> None:
        self.isInit, self.isRead, self.offset, self.value = kind == "INIT", kind == "READ", offset, value

    def answer(self) -> int:
        return self.value


class Stub:
    """One `Python.PythonPeripheral`."""

    def __init__(self, peripheral: Peripheral, request: type[Request] | type[OldRequest] = Request) -> None:
        (self.base,) = peripheral.bases
        self.size = peripheral.number("size")
        self._code: CodeType = compile(
            peripheral.attributes["script"], f"{peripheral.name} in renode.repl", "exec"
        )
        self._request = request
        self._scope: dict[str, object] = {}
        self.reset()

    def reset(self) -> None:
        """Machine.Reset: INIT again, in the same scope."""
        self._execute("INIT", 0, 0)

    def read(self, address: int) -> int:
        value = self._execute("READ", address - self.base, 0)
        assert 0 <= value < 1 << 32, hex(value)
        return value

    def write(self, address: int, value: int) -> None:
        self._execute("WRITE", address - self.base, value)

    def _execute(self, kind: str, offset: int, value: int) -> int:
        assert 0 <= offset < self.size or kind == "INIT"
        request = self._request(kind, offset, value)
        self._scope["request"] = request
        exec(self._code, self._scope)
        return request.answer()


def stubs_of(
    platform: dict[str, Peripheral], request: type[Request] | type[OldRequest] = Request
) -> dict[str, Stub]:
    """The stubs of a platform by name."""
    return {
        name: Stub(one, request) for name, one in platform.items() if one.model == "Python.PythonPeripheral"
    }
