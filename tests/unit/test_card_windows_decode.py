"""Cards, windows files, normalisation, decoding and the post-filter, against hand-worked values."""

from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.card import ClassesOutput, ClipFilter, StudentCard, load_card
from ppg_deploy.decode import check_outputs, clip_filter, decode_bpm, post_filter
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows, check_shape, load_windows, normalise

CARD = """
schema = 1
name = "s"
[input]
sample_rate_hz = 2.0
window_s = 2.0
stride_s = 1.0
[[input.channel]]
name = "PPG"
normalise = "window"
epsilon = 1e-6
[[input.channel]]
name = "ACC"
normalise = "fixed"
mean = 1.0
std = 2.0
[output]
decode = "scalar"
valid_bpm = [30.0, 210.0]
[post_filter]
kind = "clip"
history = 2
fraction = 0.1
"""


def write_card(folder: Path, text: str = CARD) -> Path:
    path = folder / "student.toml"
    path.write_text(text)
    return path


def windows_of(x: np.ndarray, **arrays: np.ndarray) -> Windows:
    return Windows(Path("w.npz"), x, arrays.get("hr"), arrays.get("subject"), arrays.get("start_s"))


def test_normalisation_by_hand(tmp_path: Path) -> None:
    card = load_card(write_card(tmp_path))
    x = np.array([[[1.0, 3.0, 1.0, 3.0], [1.0, 3.0, 5.0, -1.0]]], np.float32)
    expected = [[[-1.0, 1.0, -1.0, 1.0], [0.0, 1.0, 2.0, -1.0]]]
    np.testing.assert_allclose(normalise(windows_of(x), card), expected, atol=1e-5)
    assert normalise(windows_of(x), None) is x


def test_normalisation_keeps_the_model_shape(tmp_path: Path) -> None:
    card = load_card(write_card(tmp_path))
    x = np.ones((5, 1, 2, 4), np.float32)
    assert normalise(windows_of(x), card).shape == x.shape
    with pytest.raises(InputError, match="2 channels of 4 samples"):
        normalise(windows_of(np.ones((5, 4, 2), np.float32)), card)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("sample_rate_hz = 2.0\n", "", "input.sample_rate_hz"),
        ("std = 2.0", "std = 0.0", "input.channel.1.fixed.std"),
        ('decode = "scalar"', 'decode = "median"', "output"),
        ("valid_bpm = [30.0, 210.0]", "valid_bpm = [210.0, 30.0]", "valid_bpm"),
        ("schema = 1", "schema = 2", "schema"),
        ("history = 2", "history = 2\nextra = 1", "post_filter.extra"),
        ("stride_s = 1.0", "stride_s = inf", "input.stride_s"),
    ],
)
def test_wrong_field_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    with pytest.raises(InputError, match=field.replace(".", r"\.")):
        load_card(write_card(tmp_path, CARD.replace(old, new)))


def test_card_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not valid TOML"):
        load_card(write_card(tmp_path, "name = "))


CLASSES = ClassesOutput(
    decode="argmax", first_bin_bpm=30.0, bin_width_bpm=2.0, half_width_bpm=2.0, valid_bpm=(30.0, 210.0)
)


def test_decoders_by_hand() -> None:
    logits = np.log(np.array([[1.0, 4.0, 4.0, 1.0, 10.0**-9], [1.0, 1.0, 1.0, 1.0, 16.0]]))
    # The first of equal maxima wins: bin 1 is 32 BPM.
    assert decode_bpm(CLASSES, logits).tolist() == [32.0, 38.0]
    expectation = CLASSES.model_copy(update={"decode": "expectation"})
    np.testing.assert_allclose(
        decode_bpm(expectation, logits),
        [(30 + 4 * 32 + 4 * 34 + 36) / 10, (30 + 32 + 34 + 36 + 16 * 38) / 20],
    )
    local = CLASSES.model_copy(update={"decode": "local_expectation"})
    np.testing.assert_allclose(decode_bpm(local, logits), [(30 + 4 * 32 + 4 * 34) / 9, (36 + 16 * 38) / 17])


def test_decoded_rates_stay_in_the_valid_range(tmp_path: Path) -> None:
    card = load_card(write_card(tmp_path))
    assert decode_bpm(card.output, np.array([[-5.0], [100.0], [400.0]])).tolist() == [30.0, 100.0, 210.0]


def test_outputs_must_match_the_decode_rule(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"output\.decode"):
        check_outputs(load_card(write_card(tmp_path)).output, 180)
    with pytest.raises(InputError, match=r"output\.decode"):
        check_outputs(CLASSES, 1)


def test_clip_filter_by_hand() -> None:
    # Mean of the last two limited answers, +-10 %: 100 -> [90, 110]; then mean(100, 110) = 105 -> [94.5, 115.5].
    bpm = np.array([100.0, 100.0, 150.0, 90.0, 80.0])
    limited = clip_filter(ClipFilter(history=2, fraction=0.1), bpm)
    np.testing.assert_allclose(limited, [100.0, 100.0, 110.0, 94.5, 92.025])


def test_filter_restarts_with_each_recording(tmp_path: Path) -> None:
    card: StudentCard = load_card(write_card(tmp_path))
    bpm = np.array([100.0, 100.0, 150.0, 60.0, 60.0, 90.0, 60.0])
    windows = windows_of(
        np.zeros((7, 2, 4), np.float32),
        subject=np.array(["a", "a", "a", "b", "b", "b", "b"]),
        start_s=np.array([0, 1, 2, 0, 1, 2, 9], np.float32),
    )
    expected = [100.0, 100.0, 110.0, 60.0, 60.0, 66.0, 60.0]
    np.testing.assert_allclose(post_filter(card, bpm, windows), expected)


def save(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "w.npz", **arrays)
    return folder / "w.npz"


def test_windows_file(tmp_path: Path) -> None:
    path = save(tmp_path, x=np.ones((3, 1, 8)), hr=np.array([60, 70, 80]), subject=np.array(["a", "b", "b"]))
    windows = load_windows(path)
    assert windows.x.dtype == np.float32
    assert windows.hr is not None
    assert windows.hr.tolist() == [60.0, 70.0, 80.0]
    check_shape(windows, (1, 8))
    with pytest.raises(InputError, match=r"\(1, 8\), the model takes \(2, 8\)"):
        check_shape(windows, (2, 8))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.ones((3, 8))}, "no array x"),
        ({"x": np.ones(3)}, "shape"),
        ({"x": np.ones((0, 8))}, "shape"),
        ({"x": np.array([[1.0, np.nan], [1.0, 1.0]])}, "NaN or infinity, first in window 0"),
        ({"x": np.array([[1.0, 1.0], [np.inf, 1.0]])}, "NaN or infinity, first in window 1"),
        ({"x": np.array([["a", "b"]])}, "not numbers"),
        ({"x": np.ones((3, 8)), "hr": np.ones(2)}, "array hr has shape"),
        ({"x": np.ones((3, 8)), "hr": np.array([60.0, np.nan, 70.0])}, "array hr has NaN"),
        ({"x": np.ones((3, 8)), "subject": np.array(["a"])}, "array subject has shape"),
    ],
)
def test_wrong_windows_are_named(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        load_windows(save(tmp_path, **arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"hello", b"\x93NUMPY"])
def test_files_that_are_no_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"w\.npz"):
        load_windows(path)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"w\.npz"):
        load_windows(path)
