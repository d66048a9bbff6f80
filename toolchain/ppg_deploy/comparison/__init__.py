"""Two results side by side: whether they can be compared, what changed, and whether a policy allows it."""

from ppg_deploy.comparison.compare import compare_results, require_comparable, require_within_policy
from ppg_deploy.comparison.policy import Policy, load_policy
from ppg_deploy.comparison.schema import Change, Comparison, ShareChange

__all__ = [
    "Change",
    "Comparison",
    "Policy",
    "ShareChange",
    "compare_results",
    "load_policy",
    "require_comparable",
    "require_within_policy",
]
