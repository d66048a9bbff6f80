"""Streaming windows through a device and comparing every answer with the golden reference."""

from ppg_deploy.benching.device import Progress
from ppg_deploy.benching.measure import Measurement, Terms, measure
from ppg_deploy.benching.plan import BenchPlan, prepare_plan
from ppg_deploy.benching.summary import summarise

__all__ = ["BenchPlan", "Measurement", "Progress", "Terms", "measure", "prepare_plan", "summarise"]
