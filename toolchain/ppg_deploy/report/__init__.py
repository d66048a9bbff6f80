"""The results of a bench: their schema, their statistics, and how they are written."""

from ppg_deploy.report.schema import Report
from ppg_deploy.report.spread import Spread, spread_of

__all__ = ["Report", "Spread", "spread_of"]
