"""compare()."""

from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy.api.names import FilePath

if TYPE_CHECKING:
    from ppg_deploy.comparison import Comparison


def compare(a: FilePath, b: FilePath, *, policy: FilePath | None = None) -> "Comparison":
    """What changed from result A to result B.

    Args:
        a: the result to compare with: a folder of OUT/results, its result.json, or a link to one (OUT/report.json).
        b: the result in question.
        policy: policy.toml with thresholds, see docs/compare.md.

    Raises:
        InputError: no such result or policy, or a damaged one. That the results are not comparable, or that a
            threshold is broken, is no error here: it is in what is returned.
    """
    from ppg_deploy.comparison import compare_results, load_policy
    from ppg_deploy.results import load_result

    thresholds = None if policy is None else (Path(policy), load_policy(Path(policy)))
    return compare_results(load_result(Path(a)), load_result(Path(b)), thresholds)
