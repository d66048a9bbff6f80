"""The conversation with the device: every window through it once, some of them counted."""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.bench.cost import Counts
from ppg_deploy.bench.device import Progress, counted_rows, from_wire, to_wire
from ppg_deploy.bench.journal import Journal, WindowAnswer
from ppg_deploy.bench.plan import BenchPlan
from ppg_deploy.bench.sliding import SlidingMeasurement, measure_sliding
from ppg_deploy.errors import DeviceError
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.ports import Connection
from ppg_deploy.tflm.status import explain_status
from ppg_deploy.wire import Client, DeviceInfo, LinkStatistics, MemoryInfo

_CONNECT_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Measurement:
    """What the device answered.

    Attributes:
        outputs: (N, output elements), of the type of the model's output.
        counts: of all inferences; the first profile is that of window 0.
        sliding: of the same windows as a stream of pushes, if that was wanted.
        resumed_windows: answers that were in the journal before.
    """

    info: DeviceInfo
    outputs: Codes
    counts: Counts
    sliding: SlidingMeasurement | None
    memory: MemoryInfo
    link: LinkStatistics
    resumed_windows: int


def measure(
    plan: BenchPlan,
    connection: Connection,
    *,
    count: int,
    sliding: bool,
    journal: Journal,
    progress: Progress,
) -> Measurement:
    """Stream every window and collect answers and counters.

    Args:
        plan: what to stream.
        connection: an open port; the caller closes it.
        count: how many inferences to count exactly where the port can (unicorn); the first window is among them.
        sliding: stream the windows a second time, as pushes.
        journal: keeps every answer; windows that it has an answer for are not streamed.
        progress: called after each window.

    Raises:
        InputError: `sliding`, and the firmware was built without sliding windows.
        DeviceError: the device does not answer, or runs another firmware.
    """
    client = Client(connection.stream)
    info = client.connect(boot_wait_s=connection.boot_wait_s, timeout_s=_CONNECT_TIMEOUT_S)
    _check_identity(plan, info)
    counted = counted_rows(len(plan.codes), count)
    steps = len(plan.codes) * (2 if sliding else 1)
    resumed_windows = len(journal.answered)
    for row, codes in enumerate(plan.codes):
        if row in journal.answered:
            continue
        counter = connection.instruction_counter if row in counted else None
        client.load_input(to_wire(codes))
        if counter is not None:
            counter.arm()
        result = client.run()
        profile = None if counter is None else counter.result()
        if result.status != 0:
            raise DeviceError(
                f"the model failed on window {row} with the runtime's code {result.status}",
                hint="build the firmware again; if it persists, report this model",
            )
        journal.add(WindowAnswer(row, result.output, result.ticks, profile=profile))
        progress(row + 1, steps)
    answers = [journal.answered[row] for row in range(len(plan.codes))]
    has_ticks = connection.ticks_valid and info.counter_name != "none"
    counts = Counts(
        ticks=tuple(answer.ticks for answer in answers) if has_ticks else None,
        profiles=tuple(answer.profile for answer in answers if answer.profile is not None),
        operator_ticks=client.profile() if has_ticks else None,
    )
    pushes = None
    if sliding:
        pushes = measure_sliding(
            plan,
            client,
            connection,
            count=count,
            has_ticks=has_ticks,
            progress=lambda done, windows: progress(windows + done, steps),
        )
    return Measurement(
        info=info,
        outputs=np.stack([from_wire(answer.output, plan.expected.dtype) for answer in answers]),
        counts=counts,
        sliding=pushes,
        memory=client.memory(),
        link=client.link,
        resumed_windows=resumed_windows,
    )


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
        explanation = explain_status(info.runtime, info.model_status)
        raise DeviceError(explanation.message, hint=explanation.hint)
