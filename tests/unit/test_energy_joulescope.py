"""The Joulescope's adapter against a stand-in of Jetperch's package, version 1: names and meanings as there."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ppg_deploy.energy.instrument import Setting
from ppg_deploy.energy.joulescope import Joulescope
from ppg_deploy.errors import DeviceError, InputError


class Buffer:
    """A StreamBuffer: the latest samples by number; missing ones are not numbers."""

    def __init__(self) -> None:
        self.begin: int | None = None
        self.end: int | None = None

    @property
    def sample_id_range(self) -> tuple[int | None, int | None]:
        return self.begin, self.end

    def samples_get(self, start: int, stop: int, fields: list[str]) -> dict[str, Any]:
        assert self.begin is not None
        assert self.end is not None
        assert self.begin <= start <= stop <= self.end
        index = np.arange(start, stop)
        current = np.where(index % 100 == 50, np.nan, index * 1e-6).astype(np.float32)
        values = {
            "current": current,
            "voltage": np.full(len(index), 3.25, np.float32),
            "current_lsb": (index >= 1500).astype(np.uint8),
        }
        return {"signals": {name: {"value": values[name], "units": ""} for name in fields}}


class Device:
    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.stream_buffer = Buffer()
        self.is_streaming = False
        self.is_closed = False

    def __str__(self) -> str:
        return "JS220-000123"

    def parameter_set(self, name: str, value: Any) -> None:
        if value == "7.7V":
            raise KeyError(value)
        self.parameters[name] = value

    def open(self) -> None:
        pass

    def start(self) -> None:
        self.is_streaming = True

    def stop(self) -> None:
        self.is_streaming = False

    def close(self) -> None:
        self.is_closed = True


def package(device: Device | None) -> ModuleType:
    module = ModuleType("joulescope")

    def scan_require_one(*, config: str) -> Device:
        assert config == "auto"
        if device is None:
            raise RuntimeError("no devices found")
        return device

    module.scan_require_one = scan_require_one  # type: ignore[attr-defined]
    module.__version__ = "1.5.0"  # type: ignore[attr-defined]
    return module


def test_identity_and_settings() -> None:
    device = Device()
    subject = Joulescope(package(device))
    identity = subject.identify()
    assert identity.digital_inputs == 1
    assert "JS220-000123" in identity.details
    assert "1.5.0" in identity.details
    subject.configure(Setting(3.2, "ampere"))
    assert device.parameters["io_voltage"] == "3.3V"
    assert device.parameters["current_lsb"] == "gpi0"
    assert device.parameters["sampling_frequency"] == 100_000
    subject.power(on=False)
    assert device.parameters["i_range"] == "off"


def test_it_supplies_nothing() -> None:
    with pytest.raises(InputError, match="does not supply"):
        Joulescope(package(Device())).configure(Setting(3.3, "source"))


def test_samples_with_their_numbers_losses_and_gate() -> None:
    device = Device()
    subject = Joulescope(package(device))
    subject.start()
    assert len(subject.read(0.0)) == 0
    device.stream_buffer.begin, device.stream_buffer.end = 1000, 1400
    first = subject.read(1.0)
    assert first.index[0] == 0
    assert len(first) == 396  # four of 400 are not numbers
    assert first.current_a[10] == pytest.approx(1010e-6, rel=1e-6)
    # The buffer has moved on past what was read: 1400 to 1450 are lost.
    device.stream_buffer.begin, device.stream_buffer.end = 1450, 1600
    second = subject.stop()
    assert second.index[0] == 451  # 1450 itself is not a number
    assert second.digital[second.index < 500].max() == 0
    assert second.digital[second.index >= 500].min() == 1
    assert second.voltage_v is not None
    assert second.voltage_v[0] == 3.25
    assert not device.is_streaming


def test_a_device_that_stops_is_an_error() -> None:
    device = Device()
    subject = Joulescope(package(device))
    subject.start()
    device.is_streaming = False
    with pytest.raises(DeviceError, match="has stopped"):
        subject.read(0.1)


def test_none_or_several_plugged_in() -> None:
    with pytest.raises(DeviceError, match="no devices found"):
        Joulescope(package(None))


def test_closes_once_and_never_raises() -> None:
    device = Device()
    subject = Joulescope(package(device))
    subject.close()
    subject.close()
    assert device.is_closed
