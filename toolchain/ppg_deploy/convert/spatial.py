"""Kernel sizes, strides and pads of ONNX convolutions and pools, in two dimensions."""

from dataclasses import dataclass

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.graph.operators import Pad, Padding
from ppg_deploy.graph.shapes import window_output, window_pads

Pair = tuple[int, int]
_MAX_WINDOW = 1 << 16


@dataclass(frozen=True)
class Window:
    """Attributes of one convolution or pool, (height, width) each; height is 1 for one-dimensional models."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    after: Pair

    def output_size(self, size: Pair) -> Pair:
        """Output (height, width) for an input size, with ONNX's explicit pads."""
        height, width = (
            window_output(
                size[axis] + self.before[axis] + self.after[axis],
                self.kernel[axis],
                self.stride[axis],
                self.dilation[axis],
                Padding.VALID,
            )
            for axis in (0, 1)
        )
        return height, width

    def padding(self, size: Pair) -> Padding | None:
        """The TensorFlow Lite padding that does the same as the explicit pads; None when neither does."""
        if self.before == (0, 0) and self.after == (0, 0):
            return Padding.VALID
        for axis in (0, 1):
            arguments = (size[axis], self.kernel[axis], self.stride[axis], self.dilation[axis], Padding.SAME)
            before, after = window_pads(*arguments)
            # Elements padded behind the last window are never read.
            enough = self.after[axis] >= after and self.output_size(size)[axis] == window_output(*arguments)
            if before != self.before[axis] or not enough:
                return None
        return Padding.SAME


def read_window(node: Node, kernel: tuple[int, ...], size: Pair) -> Window:
    """Attributes of a node; raises UnsupportedModelError for pads that cannot be expressed."""
    rank = len(kernel)
    attributes = node.attributes
    strides, dilations = (list(attributes.get(name, [1] * rank)) for name in ("strides", "dilations"))
    pads = list(attributes.get("pads", [0] * (2 * rank)))
    if rank not in (1, 2) or (len(strides), len(dilations), len(pads)) != (rank, rank, 2 * rank):
        raise node.unsupported(
            f"kernel {kernel} with strides {strides}, dilations {dilations} and pads {pads}",
            "export it again",
        )
    if min(*kernel, *strides, *dilations) < 1:
        raise node.unsupported("a kernel, stride or dilation below 1", "export the model again")
    if max(*kernel, *strides, *dilations) > _MAX_WINDOW:
        raise node.unsupported(f"a kernel, stride or dilation above {_MAX_WINDOW}", "no signal is that long")
    stride, dilation = _pair(strides, 1), _pair(dilations, 1)
    before, after = _pair(pads[:rank], 0), _pair(pads[rank:], 0)
    if min(*before, *after) < 0:
        raise node.unsupported("negative pads", "slice the signal in front of the operator instead")
    window = Window(_pair(kernel, 1), stride, dilation, before, after)
    mode = attributes.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        return window
    return _automatic(window, size, odd_first=mode == "SAME_LOWER")


def _automatic(window: Window, size: Pair, *, odd_first: bool) -> Window:
    pads = [
        window_pads(size[axis], window.kernel[axis], window.stride[axis], window.dilation[axis], Padding.SAME)
        for axis in (0, 1)
    ]
    if odd_first:
        pads = [(after, before) for before, after in pads]
    return Window(
        window.kernel,
        window.stride,
        window.dilation,
        (pads[0][0], pads[1][0]),
        (pads[0][1], pads[1][1]),
    )


def _pair(values: "list[int] | tuple[int, ...]", missing: int) -> Pair:
    """(height, width) of a one- or two-dimensional attribute."""
    if len(values) == 1:
        return (missing, int(values[0]))
    return (int(values[0]), int(values[1]))


def explicitly_padded(builder: GraphBuilder, name: str, source: str, window: Window) -> str:
    """Emit a PAD for the window's pads; returns the padded tensor."""
    _, height, width, channels = builder.tensors[source].shape
    pads = ((0, 0), (window.before[0], window.after[0]), (window.before[1], window.after[1]), (0, 0))
    padded = builder.new_tensor(f"{name}/pad", (1, height + sum(pads[1]), width + sum(pads[2]), channels))
    builder.emit(Pad(inputs=(source,), outputs=(padded,), pads=pads))
    return padded
