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


def force(monkeypatch: pytest.MonkeyPatch, name: str) -> Kernel:
    """Choose a kernel wherever it matches; other steps have the others."""
    forced, every = kernel_of_name(name), kernels_module.candidates

    def candidates(step: Step) -> tuple[Kernel, ...]:
        able = every(step)
        return (forced,) if forced in able else able

    monkeypatch.setattr(ppg_deploy.compile.choose, "candidates", candidates)
    return forced
