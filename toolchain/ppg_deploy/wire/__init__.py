"""The serial protocol between host and board: one table, frames, typed messages, and the client that asks."""

from ppg_deploy.wire.client import Client
from ppg_deploy.wire.faults import FaultError, LineError, RestartError
from ppg_deploy.wire.link import LinkStatistics, NoAnswerError
from ppg_deploy.wire.messages import DeviceInfo, DeviceStatistics, FaultReport, MemoryInfo
from ppg_deploy.wire.results import PushResult, RunResult, TimedRuns

__all__ = [
    "Client",
    "DeviceInfo",
    "DeviceStatistics",
    "FaultError",
    "FaultReport",
    "LineError",
    "LinkStatistics",
    "MemoryInfo",
    "NoAnswerError",
    "PushResult",
    "RestartError",
    "RunResult",
    "TimedRuns",
]
