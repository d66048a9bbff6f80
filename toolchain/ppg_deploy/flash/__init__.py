"""Getting the built image onto a board. See docs/flash.md."""

from ppg_deploy.flash.flasher import FlashResult, flash_firmware
from ppg_deploy.flash.methods import METHODS, Method, choose_method

__all__ = ["METHODS", "FlashResult", "Method", "choose_method", "flash_firmware"]
