"""What a kernel tells the planner and the code generator."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import DType

# C source files that every kernel includes.
COMMON_FILES = (
    "ppg_attributes.h",
    "ppg_features.h",
    "ppg_memory.c",
    "ppg_memory.h",
    "ppg_requant.h",
    "ppg_simd.h",
)


@dataclass(frozen=True, eq=False)
class Array:
    """A constant array in flash; `suffix` completes its symbol."""

    suffix: str
    values: NDArray[np.signedinteger]

    @property
    def byte_size(self) -> int:
        """Bytes in flash."""
        return int(self.values.nbytes)


Value = int | Array | tuple[int, ...] | Mapping[str, "Value"]


@dataclass(frozen=True, eq=False)
class Structure:
    """A constant parameter structure in flash: C type and fields; a field that is an Array becomes its address."""

    ctype: str
    fields: dict[str, Value]

    @property
    def byte_size(self) -> int:
        """Bytes in flash on a 32-bit target: every number and pointer takes four."""
        return 4 * _leaves(self.fields)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Arrays that the fields point to."""
        return tuple(value for value in self.fields.values() if isinstance(value, Array))


def _leaves(value: Value) -> int:
    if isinstance(value, Mapping):
        return sum(_leaves(inner) for inner in value.values())
    return len(value) if isinstance(value, tuple) else 1


@dataclass(frozen=True, eq=False)
class Code:
    """How to call a kernel.

    The C function takes the address of `parameters` (when there are some), then `operands`: an Array, or the number
    of the step's input; then the output, then the scratch (when its size is not 0), then the numbers in `trailing`.
    `gathered` operands are passed as one array of addresses. `features` are the macros of ppg_features.h whose forms
    the call needs; those that follow from the step alone are added by compile/features.py.
    """

    function: str
    parameters: Structure | None
    operands: tuple[int | Array, ...] = (0,)
    trailing: tuple[int, ...] = ()
    output_first: bool = False
    gathered: bool = False
    features: frozenset[str] = frozenset()

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All constant arrays of the call."""
        inner = self.parameters.arrays if self.parameters else ()
        return (*inner, *(operand for operand in self.operands if isinstance(operand, Array)))

    @property
    def constant_bytes(self) -> int:
        """Bytes in flash, equal constants of other steps not considered."""
        return sum(array.byte_size for array in self.arrays) + (
            self.parameters.byte_size if self.parameters else 0
        )


class Kernel(ABC):
    """A way to compute some kind of step.

    `activations` is the type of codes that it works on, None for any. `code_bytes` is about what its machine code
    takes in flash, once per model however many steps use it; `shared_code` names the part of it that other kernels
    need as well, with its bytes.
    """

    name: str
    header: str
    files: tuple[str, ...]
    activations: DType | None = DType.INT8
    code_bytes: int = 0
    shared_code: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def matches(self, step: Step) -> bool:
        """True when this kernel can compute the step."""

    @abstractmethod
    def code(self, step: Step, in_place: bool) -> Code:
        """Constants and call; `in_place` when the output overwrites an input."""

    def predicted_cycles(self, step: Step) -> int:
        """About how many cycles one call takes on a Cortex-M4 without wait states.

        Only the order of kernels that compute the same step depends on it; nothing that is reported as a
        measurement or an estimate of the whole model does.
        """
        return 4 * step.macs + 30 * step.output_bytes

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Inputs that the output may overwrite, starting at the same address."""
        del step
        return ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Working memory that the call needs."""
        del step, in_place
        return 0
