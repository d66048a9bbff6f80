"""Under which conditions a result was measured: what makes two latencies comparable, or not."""

from pydantic import BaseModel, ConfigDict


class Conditions(BaseModel):
    """From board.toml and the board support that was compiled: what the firmware set, not read back from the chip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock_source: str
    clock_settings: dict[str, int]
    """`[clock.settings]` of board.toml: dividers, voltage scale and so on."""
    flash_wait_states: int | None
    """Null where the chip has no such setting."""
    caches: str
    flash_banks: str | None
    """Null where the board's description says nothing of it."""
