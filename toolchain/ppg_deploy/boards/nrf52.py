"""What must be consistent in the board.toml of an nRF52 board."""

NEEDED_CLOCK_SETTINGS = ("dcdc", "instruction_cache")
"""Settings that firmware/bsp/nrf52/clock.c reads, 0 or 1 each."""


def check_nrf52(
    *,
    mcu: str,
    pins: tuple[str, ...],
    clock_settings: frozenset[str],
    image_origin: int,
    bootloader_bytes: int,
) -> None:
    """Refuse what cannot work on an nRF52.

    Args:
        mcu: the chip.
        pins: the pins that the firmware uses, like "P0.06".
        clock_settings: names in [clock.settings].
        image_origin: first address of the flash region that holds the image.
        bootloader_bytes: flash that a bootloader occupies, 0 without one.

    Raises:
        ValueError: naming the field.
    """
    for name in NEEDED_CLOCK_SETTINGS:
        if name not in clock_settings:
            raise ValueError(f"clock.settings.{name}: missing, must be 0 or 1 on an nRF52")
    for pin in pins:
        # nRF52832 product specification, chapter GPIO: one port of 32 pins
        if mcu.startswith("nrf52832") and not pin.startswith("P0."):
            raise ValueError(f"uart, gate: an nRF52832 has no pin {pin}, only P0.00 to P0.31")
    if image_origin != bootloader_bytes:
        raise ValueError(
            f"memory: the image begins at {image_origin:#x}, but flash begins at 0 and a bootloader of "
            f"{bootloader_bytes} bytes lies before the image: describe it in [bootloader]"
        )
