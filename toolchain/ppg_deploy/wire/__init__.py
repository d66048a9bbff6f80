"""The serial protocol between host and board: one table, frames, typed messages, and the client that asks."""

from ppg_deploy.wire.client import Client, PushResult, RunResult
from ppg_deploy.wire.link import LinkStatistics
from ppg_deploy.wire.messages import DeviceInfo, DeviceStatistics, MemoryInfo

__all__ = [
    "Client",
    "DeviceInfo",
    "DeviceStatistics",
    "LinkStatistics",
    "MemoryInfo",
    "PushResult",
    "RunResult",
]
