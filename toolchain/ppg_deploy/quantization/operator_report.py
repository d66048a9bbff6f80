"""The operator report: fidelity of every activation, and what keeping the worst ones float would bring."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.card import StudentCard
from ppg_deploy.decode import decode_bpm
from ppg_deploy.graph import Graph
from ppg_deploy.handover import ActivationFacts, OperatorFacts, WhatIfFacts
from ppg_deploy.quantization.evaluation import Evaluation
from ppg_deploy.quantization.fidelity import OperatorFidelity, activation_fidelity
from ppg_deploy.quantization.what_if import INPUT, outputs_with_float

Numbers = NDArray[np.float64]
REPORT_WINDOWS = 128
WORST = 5


@dataclass(frozen=True)
class ActivationReport:
    """Facts on the input and on every operator, from so many of the evaluated windows."""

    windows: int
    input: ActivationFacts
    operators: tuple[OperatorFacts, ...]


def activation_facts(
    float_graph: Graph, int8_graph: Graph, evaluation: Evaluation, card: StudentCard | None
) -> ActivationReport:
    """Report on at most 128 of the evaluated windows, spread over the file.

    'What if it stayed float' is answered for the input and for the five operators that add the most noise of their
    own relative to their signal.
    """
    rows = np.arange(0, len(evaluation.windows), -(-len(evaluation.windows) // REPORT_WINDOWS))
    x = evaluation.arranged[rows]
    source, operators = activation_fidelity(float_graph, int8_graph, x)
    outputs = outputs_with_float(float_graph, int8_graph, x, [INPUT, *worst_operators(operators)])
    hr = evaluation.windows.hr
    truth = None if hr is None or card is None else hr[rows].astype(np.float64)
    exact = _answers(card, evaluation.exact[rows])
    now = _score(_answers(card, outputs[None]), exact, truth)
    changes = {
        candidate: _change(now, _score(_answers(card, candidate_outputs), exact, truth))
        for candidate, candidate_outputs in outputs.items()
        if candidate is not None
    }
    return ActivationReport(
        windows=len(rows),
        input=ActivationFacts(**asdict(source), what_if_float=changes[INPUT]),
        operators=tuple(
            OperatorFacts(**asdict(facts), what_if_float=changes.get(facts.index)) for facts in operators
        ),
    )


def worst_operators(operators: tuple[OperatorFidelity, ...]) -> list[int]:
    """Indices of the five operators with the lowest SQNR of their own, worst first."""
    noisy = [(facts.own_sqnr_db, facts.index) for facts in operators if facts.own_sqnr_db is not None]
    return [index for _, index in sorted(noisy)[:WORST]]


def _answers(card: StudentCard | None, outputs: Numbers) -> Numbers:
    return outputs if card is None else decode_bpm(card.output, outputs)


def _score(answers: Numbers, exact: Numbers, truth: Numbers | None) -> WhatIfFacts:
    return WhatIfFacts(
        mae=None if truth is None else float(np.abs(answers - truth).mean()),
        mean_abs_difference=float(np.abs(answers - exact).mean()),
    )


def _change(before: WhatIfFacts, after: WhatIfFacts) -> WhatIfFacts:
    return WhatIfFacts(
        mae=None if before.mae is None or after.mae is None else after.mae - before.mae,
        mean_abs_difference=after.mean_abs_difference - before.mean_abs_difference,
    )
