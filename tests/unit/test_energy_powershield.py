"""Streams of the LPM01A, against the examples of its help text."""

import numpy as np
import pytest

from ppg_deploy.energy.powershield_stream import BinaryDecoder, Stretches, TextDecoder
from ppg_deploy.errors import DeviceError

STAMP_0 = bytes.fromhex("f0f3 00000000 05 ffff")


def stamp(milliseconds: int) -> bytes:
    return b"\xf0\xf3" + milliseconds.to_bytes(4, "big") + b"\x05\xff\xff"


def decoded(data: bytes, *, hz: float = 1000.0, step: int | None = None) -> tuple[list[int], list[float]]:
    stretches = Stretches(hz)
    decoder = BinaryDecoder(stretches, "LPM01A")
    size = step or len(data)
    pieces = [piece for at in range(0, len(data), size) for piece in decoder.feed(data[at : at + size])]
    pieces.append(stretches.rest())
    index = np.concatenate([piece[0] for piece in pieces])
    current = np.concatenate([piece[1] for piece in pieces])
    return index.tolist(), current.tolist()


def test_binary_example_of_the_help_text() -> None:
    """52A0 <=> (2A0)16 x 16^-5 = 640.9 uA"""
    index, current = decoded(STAMP_0 + bytes.fromhex("52a0"))
    assert index == [0]
    assert current[0] == pytest.approx(640.9e-6, abs=0.05e-6)


def test_text_example_of_the_help_text() -> None:
    """6409-07 <=> 6409 x 10^-7 = 640.9 uA"""
    stretches = Stretches(1000.0)
    decoder = TextDecoder(stretches, "LPM01A")
    decoder.feed(b"TimeStamp: 0s 000ms, buff 01%\r\n6409-0")
    decoder.feed(b"7\r\n\x001234+00\r\n")
    assert stretches.rest()[1].tolist() == pytest.approx([640.9e-6, 1234.0])


def test_what_comes_before_the_first_time_stamp_is_no_sample() -> None:
    assert decoded(b"\r\nPowerShield > " + STAMP_0 + bytes.fromhex("3001"))[1] == pytest.approx([1 / 4096])


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7])
def test_any_cut_gives_the_same_samples(step: int) -> None:
    data = STAMP_0 + bytes.fromhex("300130023003")
    data += b"".join(bytes.fromhex("4123") for _ in range(7)) + stamp(10) + bytes.fromhex("5abc")
    data += b"\xf0\xf2Information\xff\xff" + bytes.fromhex("5abd")
    assert decoded(data, step=step) == decoded(data)
    assert len(decoded(data)[0]) == 12


def test_time_stamp_may_hold_the_end_mark() -> None:
    data = STAMP_0 + bytes.fromhex("f0f3 00ffff00 05 ffff") + bytes.fromhex("3001")
    _, current = decoded(data, hz=0.001)
    assert current == pytest.approx([1 / 4096])


def test_stretch_with_lost_samples_counts_as_lost() -> None:
    sample = bytes.fromhex("3001")
    # 100 ms at 1 kHz: 100 samples, then 90 of 100, then 100.
    data = STAMP_0 + sample * 100 + stamp(100) + sample * 90 + stamp(200) + sample * 100 + stamp(300)
    index, _ = decoded(data)
    assert index == [*range(100), *range(200, 300)]


def test_one_sample_more_or_less_is_the_time_stamps_rounding() -> None:
    sample = bytes.fromhex("3001")
    data = STAMP_0 + sample * 99 + stamp(100) + sample * 101 + stamp(200)
    assert decoded(data)[0] == list(range(200))


@pytest.mark.parametrize(
    "damaged",
    [
        "f0f3 00000032 05 aaaa",  # a time stamp without its end
        "f101",  # no metadata begin like this
        "23 f0f3 00000032 05 ffff",  # half a sample
    ],
)
def test_stretch_with_something_else_in_it_counts_as_lost(damaged: str) -> None:
    sample = bytes.fromhex("3001")
    data = STAMP_0 + sample * 100 + stamp(100) + sample * 50 + bytes.fromhex(damaged) + sample * 50
    data += stamp(200) + sample * 100 + stamp(300)
    index, current = decoded(data)
    kept = [number for number in index if not 100 <= number < 200]
    assert kept == [*range(100), *range(200, 300)]
    assert set(current) == {1 / 4096}


def test_overcurrent_ends_the_run() -> None:
    with pytest.raises(DeviceError, match="overcurrent"):
        decoded(STAMP_0 + bytes.fromhex("3001 f0f5ffff"))


def test_its_own_error_is_told() -> None:
    with pytest.raises(DeviceError, match="reports: Buffer full"):
        decoded(STAMP_0 + b"\xf0\xf1Buffer full\r\n\xff\xff")


def test_end_of_acquisition() -> None:
    decoder = BinaryDecoder(Stretches(1000.0), "LPM01A")
    decoder.feed(STAMP_0 + bytes.fromhex("3001 f0f4ffff") + b"summary beg")
    assert decoder.has_ended
