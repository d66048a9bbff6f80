"""Cards that follow from training windows, and windows brought into a network's channels and rate."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.training.cards import as_network_input, card_from_windows, normalised  # noqa: E402
from models.training.export import write_card  # noqa: E402
from models.training.resampling import resampled  # noqa: E402
from ppg_deploy.card import load_card  # noqa: E402
from ppg_deploy.errors import InputError  # noqa: E402

RNG = np.random.default_rng(8)


def raw(count: int = 20) -> np.ndarray:
    x = RNG.normal(size=(count, 1, 4, 256)) * [[[[200.0], [0.5], [0.6], [0.7]]]] + [
        [[[-3.0], [0.0], [0.1], [1.0]]]
    ]
    return x.astype(np.float32)


def test_resampling_is_scipys() -> None:
    """`resample_poly` 32 to 25 Hz with edges extended; its filter does not sum to one at every place."""
    signals = np.cumsum(RNG.normal(size=(3, 2, 256)), axis=-1).astype(np.float32)
    expected = resample_poly(signals.astype(float), 25, 32, axis=-1, padtype="edge")
    ours = resampled(signals, 200)
    assert ours.shape == (3, 2, 200)
    np.testing.assert_allclose(ours, expected, atol=2e-3 * signals.std())
    assert resampled(signals, 256) is signals


def test_resampling_keeps_a_pulse_and_drops_what_cannot_be_held() -> None:
    time = np.arange(256) / 32.0
    slow, fast = np.sin(2 * np.pi * 2.0 * time), np.sin(2 * np.pi * 15.5 * time)
    at_25 = np.arange(200) / 25.0
    middle = slice(25, 175)
    ours = resampled((slow + fast)[None, None].astype(np.float32), 200)[0, 0]
    np.testing.assert_allclose(ours[middle], np.sin(2 * np.pi * 2.0 * at_25)[middle], atol=0.01)
    np.testing.assert_allclose(resampled(np.full((1, 1, 256), 7.0, np.float32), 200), 7.0, atol=1e-5)


def test_windows_for_networks() -> None:
    x = raw()
    assert as_network_input(x, (1, 4, 256)).shape == (20, 1, 4, 256)
    np.testing.assert_array_equal(as_network_input(x, (4, 256)), x[:, 0])
    np.testing.assert_array_equal(as_network_input(x, (1, 256))[:, 0], x[:, 0, 0])
    np.testing.assert_array_equal(as_network_input(x, (1, 200)), resampled(x[:, 0, :1], 200))
    with pytest.raises(InputError, match="takes 4 channels"):
        as_network_input(x[:, 0, :1], (1, 4, 256))


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("ppg", ["fixed", "window"])
def test_cards_come_back_from_their_file(classes: bool, ppg: str, tmp_path: Path) -> None:
    card = card_from_windows("a student", raw(), classes=classes, ppg=ppg)  # type: ignore[arg-type]
    write_card(tmp_path / "student.toml", card)
    assert load_card(tmp_path / "student.toml") == card
    assert (card.input.sample_rate_hz, card.input.samples) == (32.0, 256)
    assert card.output.decode == ("local_expectation" if classes else "scalar")


def test_normalised_windows_are_standard() -> None:
    x = raw(200)
    flat = normalised(x, card_from_windows("s", x, classes=False, ppg="fixed"))
    np.testing.assert_allclose(flat.mean(axis=(0, 1, 3)), 0.0, atol=1e-4)
    np.testing.assert_allclose(flat.std(axis=(0, 1, 3)), 1.0, atol=1e-4)
    by_window = normalised(x, card_from_windows("s", x, classes=False, ppg="window"))
    np.testing.assert_allclose(by_window[:, 0, 0].std(axis=1), 1.0, atol=1e-4)
    np.testing.assert_array_equal(by_window[:, 0, 1:], flat[:, 0, 1:])


def test_unusable_windows_are_refused() -> None:
    flat = raw()
    flat[:, :, 2] = 1.0
    with pytest.raises(InputError, match="ACC_Y is constant"):
        card_from_windows("s", flat, classes=False, ppg="fixed")
    with pytest.raises(InputError, match="2 channels"):
        card_from_windows("s", raw()[:, :, :2], classes=False, ppg="fixed")
