"""Symbols of constants: equal ones share one, so the steps of an unrolled loop cost their weights once."""

from collections.abc import Mapping, Sequence

from ppg_deploy.compile.kernels import Array, Code
from ppg_deploy.compile.kernels.base import Value


def content_of(array: Array) -> tuple[str, bytes]:
    """Equal for two arrays that are stored once."""
    return array.values.dtype.str, array.values.tobytes()


def _own_symbol(number: int, suffix: str = "") -> str:
    return f"ppg_model_data_{number:03d}" + (f"_{suffix}" if suffix else "")


class SharedConstants:
    """The symbol of every constant array and parameter structure of a model.

    Args:
        codes: of all steps, in order.
    """

    def __init__(self, codes: Sequence[Code]) -> None:
        self._symbols: dict[str, str] = {}
        self._bytes: list[int] = []
        known: dict[object, str] = {}
        for number, code in enumerate(codes):
            added = 0
            for array in code.arrays:
                is_new = self._share(known, content_of(array), number, array.suffix)
                added += array.byte_size if is_new else 0
            if code.parameters is not None:
                structure = (code.parameters.ctype, self._content(number, code.parameters.fields))
                added += code.parameters.byte_size if self._share(known, structure, number, "") else 0
            self._bytes.append(added)

    def _share(self, known: dict[object, str], content: object, number: int, suffix: str) -> bool:
        """True when the constant is new."""
        own = _own_symbol(number, suffix)
        self._symbols[own] = known.setdefault(content, own)
        return self._symbols[own] == own

    def _content(self, number: int, value: Value) -> object:
        if isinstance(value, Array):
            return self.symbol(number, value.suffix)
        if isinstance(value, Mapping):
            return tuple((name, self._content(number, inner)) for name, inner in value.items())
        return value

    def symbol(self, number: int, suffix: str = "") -> str:
        """What step `number` calls its constant: the name of the first equal one."""
        return self._symbols[_own_symbol(number, suffix)]

    def is_first(self, number: int, suffix: str = "") -> bool:
        """True when step `number` brings the constant along."""
        return self.symbol(number, suffix) == _own_symbol(number, suffix)

    @property
    def total_bytes(self) -> int:
        """Bytes of all constants in flash."""
        return sum(self._bytes)

    def added_bytes(self, number: int) -> int:
        """Bytes of constants in flash that no earlier step brought along."""
        return self._bytes[number]
