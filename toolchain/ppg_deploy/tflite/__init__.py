"""Reading and writing the TensorFlow Lite flatbuffer, the hand-over between quantisation and everything after it."""

from ppg_deploy.tflite.reader import parse_tflite, read_tflite
from ppg_deploy.tflite.writer import write_tflite

__all__ = ["parse_tflite", "read_tflite", "write_tflite"]
