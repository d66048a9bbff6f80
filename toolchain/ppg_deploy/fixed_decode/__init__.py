"""Decoders and post-filter in integers, equal to firmware/decode to the bit. Specification: docs/decoders.md."""

from ppg_deploy.fixed_decode.arithmetic import ClipFilterState, decode_codes, filter_answers, to_bpm
from ppg_deploy.fixed_decode.card_header import card_header
from ppg_deploy.fixed_decode.settings import (
    DecoderSettings,
    FilterSettings,
    decoder_settings,
    filter_settings,
)

__all__ = [
    "ClipFilterState",
    "DecoderSettings",
    "FilterSettings",
    "card_header",
    "decode_codes",
    "decoder_settings",
    "filter_answers",
    "filter_settings",
    "to_bpm",
]
