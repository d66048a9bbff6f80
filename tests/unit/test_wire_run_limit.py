"""The board's own limit for an inference lengthens the host's waits, but not without end."""

import pytest
from test_wire_client import ScriptedStream, good_answer, info, reply

from ppg_deploy.wire import table
from ppg_deploy.wire.client import Client
from ppg_deploy.wire.framing import Packet


@pytest.mark.parametrize(
    ("limit_ms", "wait_s"),
    [(0, 30.0), (1000, 30.0), (60_000, 65.0), (3_600_000, 3605.0), (0xFFFFFFFF, 3605.0)],
)
def test_an_absurd_limit_is_not_believed(limit_ms: int, wait_s: float) -> None:
    def answer(request: Packet) -> bytes:
        if request.type == table.HELLO.request.type:
            return reply(request, info(request, run_limit_ms=limit_ms))
        return good_answer(request)

    client = Client(ScriptedStream(answer), run_timeout_s=30.0)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    assert client.run_timeout_s == wait_s
