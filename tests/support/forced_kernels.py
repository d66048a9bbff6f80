"""Ways to have a kernel chosen that the prices would not choose."""

import pytest

import ppg_deploy.compile.choose
import ppg_deploy.compile.kernels as kernels_module
from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.steps import Step


def kernel_of_name(name: str) -> Kernel:
    """The kernel of KERNELS."""
    (kernel,) = (kernel for kernel in kernels_module.KERNELS if kernel.name == name)
    return kernel


def force(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Choose one of some kernels wherever one of them matches; other steps have all the others."""
    forced, every = {kernel_of_name(name) for name in names}, kernels_module.candidates

    def candidates(step: Step) -> tuple[Kernel, ...]:
        able = every(step)
        return tuple(kernel for kernel in able if kernel in forced) or able

    monkeypatch.setattr(ppg_deploy.compile.choose, "candidates", candidates)
