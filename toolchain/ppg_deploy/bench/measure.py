"""The conversation with the device: every window through it once, some of them counted."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppg_deploy.bench.plan import BenchPlan
from ppg_deploy.errors import DeviceError
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.ports import Connection
from ppg_deploy.timing import InferenceProfile
from ppg_deploy.wire import Client, DeviceInfo, LinkStatistics, MemoryInfo

# Called with (windows done, windows in all).
Progress = Callable[[int, int], None]
_CONNECT_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Measurement:
    """What the device answered.

    Attributes:
        outputs: (N, output elements), of the type of the model's output.
        ticks: device counter ticks of each inference in order; None when they mean nothing on this port.
        profiles: exact counts of the counted inferences, in order; the first is that of window 0.
        operator_ticks: ticks of each operator in one inference; None when ticks mean nothing.
    """

    info: DeviceInfo
    outputs: Codes
    ticks: tuple[int, ...] | None
    profiles: tuple[InferenceProfile, ...]
    operator_ticks: tuple[int, ...] | None
    memory: MemoryInfo
    link: LinkStatistics


def measure(plan: BenchPlan, connection: Connection, *, count: int, progress: Progress) -> Measurement:
    """Stream every window and collect answers and counters.

    Args:
        plan: what to stream.
        connection: an open port; the caller closes it.
        count: how many inferences to count exactly where the port can (unicorn); the first window is among them.
        progress: called after each window.

    Raises:
        DeviceError: the device does not answer, or runs another firmware.
    """
    client = Client(connection.stream)
    info = client.connect(boot_wait_s=connection.boot_wait_s, timeout_s=_CONNECT_TIMEOUT_S)
    _check_identity(plan, info)
    counted = _counted_rows(len(plan.codes), count)
    wire_type = plan.expected.dtype.newbyteorder("<")
    outputs, ticks, profiles = [], [], []
    for row, codes in enumerate(plan.codes):
        counter = connection.instruction_counter if row in counted else None
        client.load_input(codes.astype(codes.dtype.newbyteorder("<")).tobytes())
        if counter is not None:
            counter.arm()
        result = client.run()
        if counter is not None:
            profiles.append(counter.result())
        if result.status != 0:
            raise DeviceError(
                f"the model failed on window {row} with the runtime's code {result.status}",
                hint="build the firmware again; if it persists, report this model",
            )
        outputs.append(np.frombuffer(result.output, wire_type).astype(plan.expected.dtype))
        ticks.append(result.ticks)
        progress(row + 1, len(plan.codes))
    has_ticks = connection.ticks_valid and info.counter_name != "none"
    return Measurement(
        info=info,
        outputs=np.stack(outputs),
        ticks=tuple(ticks) if has_ticks else None,
        profiles=tuple(profiles),
        operator_ticks=client.profile() if has_ticks else None,
        memory=client.memory(),
        link=client.link,
    )


def _counted_rows(windows: int, count: int) -> frozenset[int]:
    """Rows to count: the first, the others spread evenly."""
    return frozenset(np.linspace(0, windows - 1, min(count, windows)).round().astype(int).tolist())


def _check_identity(plan: BenchPlan, info: DeviceInfo) -> None:
    for what, expected, answered in (
        ("board", plan.manifest.board, info.board_id),
        ("model", plan.manifest.model_sha256, info.model_sha256),
        ("build", plan.manifest.build_id, info.build_id),
    ):
        if expected != answered:
            raise DeviceError(
                f"the device runs another firmware: its {what} is {answered[:32]}, expected {expected[:32]}",
                hint="flash the firmware that was built last: pio run --target upload in the firmware folder",
            )
    if info.model_status != 0:
        raise DeviceError(
            f"the runtime could not prepare the model: code {info.model_status}",
            hint="build the firmware again",
        )
