"""Windows as a stream of pushes, on a device that is a few lines of Python."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from ppg_deploy.benching.cost import Counts, cost_of
from ppg_deploy.benching.device import Position
from ppg_deploy.benching.plan import BenchPlan
from ppg_deploy.benching.sliding import continuing, measure_sliding
from ppg_deploy.benching.summary import compare_outputs
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.handover import CompiledPush, PushOperator
from ppg_deploy.ports import Connection
from ppg_deploy.wire import Client, PushResult

ROWS, COLUMNS, CHANNELS = 2, 20, 3
OPERATORS = (PushOperator(index=0, kind="CONV_2D", name="c", kernel="k", macs=5),)


def recording(length: int, seed: int = 0) -> Codes:
    codes = np.random.default_rng(seed).integers(-128, 128, (ROWS, length, CHANNELS))
    return codes.astype(np.int8)


def windows_of(signal: Codes, hop: int) -> Codes:
    starts = range(0, signal.shape[1] - COLUMNS + 1, hop)
    return np.stack([signal[:, start : start + COLUMNS] for start in starts])


def answers(windows: Codes) -> Codes:
    """One code a window, in which every code of it counts."""
    flat = windows.reshape(len(windows), -1).astype(np.int64)
    return (flat * np.arange(1, flat.shape[1] + 1)).sum(axis=1, keepdims=True).astype(np.int8)


class FakeDevice:
    """Keeps a stream of its own; `forgets` makes it answer for the window before when it should continue."""

    def __init__(self, hop: int, *, forgets: bool = False) -> None:
        self.pushes = 0
        self.restarts = 0
        self._hop = hop
        self._forgets = forgets
        self._stream: Codes = np.zeros((ROWS, 0, CHANNELS), np.int8)

    def push(self, samples: bytes, *, restart: bool) -> PushResult:
        self.pushes += 1
        self.restarts += restart
        new = np.frombuffer(samples, np.int8).reshape(ROWS, self._hop, CHANNELS)
        before = np.zeros((ROWS, 0, CHANNELS), np.int8) if restart else self._stream
        self._stream = np.concatenate([before, new], axis=1)
        filling = self._stream.shape[1] < COLUMNS
        continues = before.shape[1] >= COLUMNS
        window = (before if self._forgets and continues else self._stream)[:, -COLUMNS:]
        output = b"" if filling else answers(window[np.newaxis]).tobytes()
        return PushResult(status=0, ticks=1000 + self.pushes, timer_ticks=0, output=output, filling=filling)


def plan_of(windows: Codes, hop: int) -> BenchPlan:
    push = CompiledPush(
        hop=hop,
        window=(ROWS, COLUMNS, CHANNELS),
        sample_bytes=ROWS * hop * CHANNELS,
        kept_bytes=1,
        macs=5,
        operators=OPERATORS,
    )
    plan = SimpleNamespace(
        codes=windows.reshape(len(windows), -1), push=push, expected=answers(windows), golden="by hand"
    )
    return cast(BenchPlan, plan)


def connection(*, emulator: str | None = None, per_tick: float | None = None) -> Connection:
    return Connection(
        stream=cast(Client, None),  # type: ignore[arg-type]
        source="test",
        emulator=emulator,
        instruction_counter=None,
        instructions_per_tick=per_tick,
        ticks_valid=True,
        boot_wait_s=0.0,
    )


@pytest.mark.parametrize("hop", [1, 4, 7, 19, 20])
def test_a_recording_is_one_stream(hop: int) -> None:
    windows = windows_of(recording(90), hop)
    device, seen = FakeDevice(hop), list[int]()
    measured = measure_sliding(
        plan_of(windows, hop),
        cast(Client, device),
        connection(),
        count=1,
        has_ticks=True,
        progress=lambda done, total: seen.append(total - done),
        position=Position(),
    )
    assert measured.continued == (False, *([True] * (len(windows) - 1)))
    assert device.restarts == 1
    # The window is filled with as few pushes as reach over it, also where the hop does not divide it.
    assert device.pushes == -(-COLUMNS // hop) + len(windows) - 1
    assert compare_outputs(plan_of(windows, hop), measured.outputs).mismatched == 0
    assert measured.counts.ticks is not None
    assert len(measured.counts.ticks) == len(windows) - 1
    assert seen == list(range(len(windows) - 1, -1, -1))


def test_a_gap_starts_a_new_stream() -> None:
    hop = 5
    windows = np.concatenate([windows_of(recording(50, seed), hop) for seed in (1, 2)])
    device = FakeDevice(hop)
    plan = plan_of(windows, hop)
    measured = measure_sliding(
        plan,
        cast(Client, device),
        connection(),
        count=1,
        has_ticks=False,
        progress=lambda *_: None,
        position=Position(),
    )
    assert [row for row, follows in enumerate(measured.continued) if not follows] == [0, 7]
    assert device.restarts == 2
    assert compare_outputs(plan, measured.outputs).mismatched == 0
    assert measured.counts.ticks is None


def test_one_other_code_in_the_overlap_is_a_gap() -> None:
    windows = windows_of(recording(60), 5).copy()
    windows[3, 1, 14, 2] ^= 1
    assert [row for row, follows in enumerate(continuing(windows, 5)) if not follows] == [0, 3, 4]
    # A code among the new ones is none.
    windows = windows_of(recording(60), 5).copy()
    windows[-1, 1, 15, 2] ^= 1
    assert [row for row, follows in enumerate(continuing(windows, 5)) if not follows] == [0]


def test_windows_of_another_stride_fill_the_stream_each() -> None:
    assert not any(continuing(windows_of(recording(90), 10), 5))


def test_wrong_answers_to_pushes_are_found() -> None:
    windows = windows_of(recording(60), 5)
    plan = plan_of(windows, 5)
    measured = measure_sliding(
        plan,
        cast(Client, FakeDevice(5, forgets=True)),
        connection(),
        count=1,
        has_ticks=True,
        progress=lambda *_: None,
        position=Position(),
    )
    compared = compare_outputs(plan, measured.outputs)
    # Each continued window got the answer of the one before it.
    assert compared.mismatched == int((plan.expected[1:] != plan.expected[:-1]).sum()) > 5
    assert compared.first_mismatch is not None
    assert compared.first_mismatch.window == 1


@pytest.mark.parametrize("columns", [COLUMNS - 5, COLUMNS + 5])
def test_a_device_that_fills_another_window_is_noticed(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = windows_of(recording(60), 5)
    plan = plan_of(windows, 5)
    monkeypatch.setattr(f"{__name__}.COLUMNS", columns)
    with pytest.raises(DeviceError, match="in a stream of pushes"):
        measure_sliding(
            plan,
            cast(Client, FakeDevice(5)),
            connection(),
            count=1,
            has_ticks=True,
            progress=lambda *_: None,
            position=Position(),
        )


def test_a_build_without_hop_is_refused() -> None:
    plan = cast(BenchPlan, SimpleNamespace(push=None))
    with pytest.raises(InputError, match="without sliding windows"):
        measure_sliding(
            plan,
            cast(Client, FakeDevice(5)),
            connection(),
            count=1,
            has_ticks=True,
            progress=lambda *_: None,
            position=Position(),
        )


def test_ticks_are_latency_on_a_board_and_instructions_on_qemu() -> None:
    counts = Counts(ticks=(500, 1000, 1000), profiles=())
    board = cost_of(counts, OPERATORS, connection(), clock_hz=1_000_000)
    assert board.latency_ms is not None
    assert (board.latency_ms.first, board.latency_ms.median) == (0.5, 1.0)
    assert (board.instructions, board.note) == (None, None)
    qemu = cost_of(counts, OPERATORS, connection(emulator="qemu", per_tick=6.0), clock_hz=1_000_000)
    assert qemu.instructions is not None
    assert (qemu.instructions.median, qemu.latency_ms, qemu.cycles) == (6000.0, None, None)
