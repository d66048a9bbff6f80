"""The PPK2's words, calibration and spike filter, against values worked out by hand from the documented formula."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.energy.instrument import Setting
from ppg_deploy.energy.ppk2 import Ppk2
from ppg_deploy.energy.ppk2_samples import SpikeFilter, WordStream, calibration_of
from ppg_deploy.energy.serial_line import InstrumentLine
from ppg_deploy.errors import DeviceError, InputError


class Wire:
    """A serial stream that remembers what is written and says nothing."""

    def __init__(self) -> None:
        self.timeout: float | None = None
        self.written = b""
        self.is_closed = False

    def read(self, size: int = 1, /) -> bytes:
        return bytes(size)[:0]

    def write(self, data: bytes, /) -> int | None:
        self.written += data
        return len(data)

    def close(self) -> None:
        self.is_closed = True


def words(first: int, count: int) -> NDArray[np.uint32]:
    """Words that carry their running number in the ADC bits and in the counter."""
    index = np.arange(first, first + count)
    return ((index & 0x3FFF) | 2 << 14 | (index % 64) << 18).astype("<u4")


def through(stream: WordStream, *chunks: bytes) -> tuple[list[int], list[int]]:
    """Numbers that the stream gave, and those that the words carry."""
    pieces = [stream.words(chunk) for chunk in chunks]
    pieces.append(stream.rest())
    index = np.concatenate([piece[0] for piece in pieces])
    carried = np.concatenate([piece[1] for piece in pieces]) & 0x3FFF
    return index.tolist(), carried.tolist()


def test_current_by_the_documented_formula() -> None:
    metadata = {
        "R1": "100",
        "GS1": "2",
        "GI1": "0.5",
        "O1": "40",
        "S1": "0.001",
        "I1": "-0.002",
        "UG1": "1.1",
    }
    calibration = calibration_of(metadata)
    # a = 4 * 2500 = 10000; x = (10000 - 40) * 1.8 / 163840 / 100 = 0.00109423828125
    # 1.1 * (x * (2 x + 0.5) + 0.001 * 3.3 - 0.002) = 1.1 * (0.000547119140625 + 0.00000239471 + 0.0013)
    current = calibration.current_a(np.array([2500]), np.array([1]), 3.3)
    assert current[0] == pytest.approx(0.002034465240, rel=1e-8)


def test_defaults_where_the_metadata_have_no_factor() -> None:
    calibration = calibration_of({"R0": "nan", "R1": "0", "GI2": "-nan"})
    # range 0 with 1031.64 ohm: x = 4000 * 1.8 / 163840 / 1031.64 = 4.259753e-5, plus 1 * x^2
    assert calibration.current_a(np.array([1000]), np.array([0]), 3.0)[0] == pytest.approx(
        4.259934e-5, rel=1e-6
    )
    assert calibration.factors["R"][1] == 101.65
    assert "R0" in calibration.missing
    assert "R1" not in calibration.missing


def plain_filter(current: NDArray[np.float64], ranges: NDArray[np.int64]) -> NDArray[np.float64]:
    """The filter as documented, one sample after the other."""
    out, fast, slow, last, after, since = [], None, None, None, 0, 0
    for value, found in zip(current.tolist(), ranges.tolist(), strict=True):
        held = (fast, slow)
        fast = value if fast is None else 0.18 * value + 0.82 * fast
        slow = value if slow is None else 0.06 * value + 0.94 * slow
        last = found if last is None else last
        if found != last or after > 0:
            since = 0 if found != last else since + 1
            after = 3 if found != last else after
            if found == 4:
                if since < 2:
                    fast, slow = held
                value = slow
            else:
                value = fast
            after -= 1
        last = found
        out.append(value)
    return np.array(out)


@pytest.mark.parametrize("seed", range(6))
def test_spike_filter_equals_the_plain_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Stretches of one to a few hundred samples in a range; all ranges, and changes close to each other.
    lengths = random.choice([1, 2, 3, 4, 7, 50, 700], 40)
    ranges = np.repeat(random.integers(0, 5, 40), lengths)
    current = random.exponential(1e-3, len(ranges)) * 10.0**ranges
    subject = SpikeFilter()
    cuts = np.sort(random.integers(1, len(ranges), 5))
    pieces = zip(np.split(current, cuts), np.split(ranges, cuts), strict=True)
    found = np.concatenate([subject.filtered(*piece) for piece in pieces])
    np.testing.assert_allclose(found, plain_filter(current, ranges), rtol=1e-9)


def test_steady_range_is_left_alone() -> None:
    current = np.random.default_rng(0).normal(1e-3, 1e-4, 2000)
    assert (SpikeFilter().filtered(current, np.full(2000, 2)) == current).all()


def test_words_across_chunks_of_any_size() -> None:
    data = words(0, 1000).tobytes()
    cuts = [0, 1, 2, 3, 130, 131, 1000, 2003, len(data)]
    chunks = [data[a:b] for a, b in itertools.pairwise(cuts)]
    index, carried = through(WordStream(), *chunks)
    assert index == carried == list(range(1000))


@pytest.mark.parametrize("missing", [1, 5, 63])
def test_missing_words_leave_a_gap(missing: int) -> None:
    data = words(0, 300).tobytes() + words(300 + missing, 300).tobytes()
    index, carried = through(WordStream(), data)
    assert index == carried
    assert index[299:301] == [299, 300 + missing]


def test_gap_between_two_chunks() -> None:
    index, carried = through(WordStream(), words(0, 200).tobytes(), words(209, 200).tobytes())
    assert index == carried


def test_damaged_counter_costs_one_sample_only() -> None:
    found = words(0, 400)
    found[200] ^= np.uint32(0x15 << 18)
    index, carried = through(WordStream(), found.tobytes())
    assert index == carried == [*range(200), *range(201, 400)]


def test_range_that_does_not_exist_is_lost() -> None:
    found = words(0, 400)
    found[100] |= np.uint32(7 << 14)
    index, _ = through(WordStream(), found.tobytes())
    assert index == [*range(100), *range(101, 400)]


@pytest.mark.parametrize("cut", [400, 401, 402, 403])
def test_missing_byte_costs_a_few_samples_only(cut: int) -> None:
    data = words(0, 600).tobytes()
    stream = WordStream()
    index, carried = through(stream, data[:cut] + data[cut + 1 :])
    assert index == carried
    assert stream.realigned == 1
    assert len(index) >= 596


def test_settings_on_the_wire() -> None:
    wire = Wire()
    ppk2 = Ppk2(InstrumentLine(wire, "PPK2"))
    ppk2.configure(Setting(3.3, "source"))
    assert wire.written == bytes([0x11, 2, 0x0D, 0x0C, 0xE4])  # 3300 = 0x0CE4
    wire.written = b""
    ppk2.configure(Setting(0.8, "ampere"))
    assert wire.written == bytes([0x11, 1, 0x0D, 0x03, 0x20])
    wire.written = b""
    ppk2.power(on=True)
    ppk2.close()
    assert wire.written == bytes([0x0C, 1, 0x07, 0x0C, 0])
    assert wire.is_closed


@pytest.mark.parametrize("voltage", [0.79, 5.01])
def test_voltages_beyond_it_are_refused_before_anything_is_sent(voltage: float) -> None:
    wire = Wire()
    with pytest.raises(InputError, match=r"0\.8 V to 5\.0 V"):
        Ppk2(InstrumentLine(wire, "PPK2")).configure(Setting(voltage))
    assert wire.written == b""


def test_silent_port_ends_in_an_error_within_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppg_deploy.energy.ppk2._METADATA_S", 0.02)
    with pytest.raises(DeviceError, match="sends no metadata"):
        Ppk2(InstrumentLine(Wire(), "the PPK2 at X")).identify()
