"""TensorFlow Lite Micro as runtime: the user's tree of its sources, the resolver, the arena, its status codes.

The firmware's part is firmware/tflm/.
"""

from ppg_deploy.tflm.tree import TreeReport, check_tree, find_tree, open_tree

__all__ = ["TreeReport", "check_tree", "find_tree", "open_tree"]
