"""--hop: what the card says about it, and what it forbids."""

import json
from pathlib import Path

import pytest

from ppg_deploy import api, handover
from ppg_deploy.config import Hop, load_config
from ppg_deploy.errors import InputError
from ppg_deploy.hop import resolve_hop
from tests.support.small_students import SCALAR, write_card, write_regressor, write_windows


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a student whose card says 5 Hz, 5 s windows, 2 s stride."""
    folder = tmp_path_factory.mktemp("small")
    write_card(folder, SCALAR)
    write_windows(folder, 120)
    api.quantize(write_regressor(folder), out=folder)
    return folder


def _resolve(wanted: Hop | None, folder: Path) -> int | None:
    report = handover.load_report(folder / handover.FILE_NAME)
    return resolve_hop(
        wanted, quantize_json=folder / handover.FILE_NAME, model_sha256=report.model.file.sha256
    )


def _with_card(quantized: Path, folder: Path, changes: dict[str, object]) -> Path:
    content = json.loads((quantized / handover.FILE_NAME).read_text())
    content["card"]["input"] |= changes
    (folder / handover.FILE_NAME).write_text(json.dumps(content))
    return folder


def test_the_cards_stride_in_samples(quantized: Path) -> None:
    assert _resolve("auto", quantized) == 10
    assert _resolve(7, quantized) == 7
    assert _resolve(None, quantized) is None


@pytest.mark.parametrize(("rate", "stride", "samples"), [(32.0, 2.0, 64), (25.6, 1.25, 32), (30.0, 0.1, 3)])
def test_rounding_of_seconds_is_forgiven(
    quantized: Path, tmp_path: Path, rate: float, stride: float, samples: int
) -> None:
    changes = {"sample_rate_hz": rate, "stride_s": stride}
    assert _resolve("auto", _with_card(quantized, tmp_path, changes)) == samples


@pytest.mark.parametrize("stride", [1.9, 0.01])
def test_a_stride_between_samples_is_refused(quantized: Path, tmp_path: Path, stride: float) -> None:
    folder = _with_card(quantized, tmp_path, {"stride_s": stride})
    with pytest.raises(InputError, match=r"input\.stride_s .* not a whole number"):
        _resolve("auto", folder)
    assert _resolve(10, folder) == 10


@pytest.mark.parametrize("wanted", [10, "auto"])
def test_windows_normalised_by_themselves_are_refused(quantized: Path, tmp_path: Path, wanted: Hop) -> None:
    channels = [{"name": f"C{number}", "normalise": "none"} for number in range(4)]
    channels[2] = {"name": "PPG", "normalise": "window"}
    folder = _with_card(quantized, tmp_path, {"channel": channels})
    with pytest.raises(InputError, match=r'input\.channel\.2\.normalise is "window" \(channel PPG\)'):
        _resolve(wanted, folder)
    assert _resolve(None, folder) is None


def test_without_a_card_only_a_number_will_do(quantized: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", quantized / handover.FILE_NAME):
        assert resolve_hop(10, quantize_json=path, model_sha256="00" * 32) == 10
        with pytest.raises(InputError, match="takes the stride from the student card"):
            resolve_hop("auto", quantize_json=path, model_sha256="00" * 32)


def test_ppg_toml(tmp_path: Path) -> None:
    (tmp_path / "ppg.toml").write_text('[build]\nhop = "auto"\nram_budget = 9000\n')
    configured = load_config(tmp_path).build
    assert (configured.hop, configured.ram_budget) == ("auto", 9000)
    (tmp_path / "ppg.toml").write_text("[build]\nhop = 64\n")
    assert load_config(tmp_path).build.hop == 64


@pytest.mark.parametrize("line", ["hop = 0", 'hop = "often"', "ram_budget = 0"])
def test_nonsense_in_ppg_toml_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "ppg.toml").write_text(f"[build]\n{line}\n")
    with pytest.raises(InputError, match=f"build.{line.split()[0]}"):
        load_config(tmp_path)
