"""Demonstration data and students of the project: all of it is synthetic or trained on synthetic data."""
