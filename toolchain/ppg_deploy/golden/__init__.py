"""What the output bytes must be: TFLM's own interpreter where its wheel exists, else the project's numpy reference."""

from ppg_deploy.golden.reference import GoldenReference, open_golden

__all__ = ["GoldenReference", "open_golden"]
