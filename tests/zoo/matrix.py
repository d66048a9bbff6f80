"""Which student is exported how: every student at least three ways, every way of exporting at least once.

Each student gets a legacy export, a dynamo export and one export in another form; opsets, options and forms rotate
through the students. What concerns single layers or the file alone is tried on a small network, with every opset.
"""

from dataclasses import replace

from models.students.registry import STUDENTS
from tests.zoo.exporters import DYNAMO_OPSETS, LEGACY_OPSETS, Variant

_LEGACY = tuple(
    Variant(
        "legacy", opset, dynamic_batch=opset % 2 == 0, external_weights=opset % 3 == 0, raw=opset % 4 == 1
    )
    for opset in LEGACY_OPSETS
)
_DYNAMO = tuple(
    Variant("dynamo", opset, dynamic_batch=opset % 2 == 0, external_weights=opset % 3 == 1, raw=opset == 21)
    for opset in DYNAMO_OPSETS
)
# First opset in which the legacy exporter has their operators.
_FIRST_LEGACY_OPSET = {"pulse-teacher": 13, "attention": 13, "small-hardswish": 14}
# Forms that any network can be given, networks of Conv1d, and networks without a convolution.
_OF_ANY = ("views", "f-pad", "batch-norm-last", "batch-norm-first")
_OF_CONV1D = ("height-1", "time-first", "views", "f-pad", "chomp", "batch-norm-last", "batch-norm-first")
_OF_DENSE = ("time-first",)
_TWO_DIMENSIONAL = ("pulse", "pulse-teacher", "pulse-teacher-without-attention")
# Sequences are transposed inside the model: height 1 would change what their layers mean.
_SEQUENCES = ("lstm-64", "gru-64", "attention")
_ON_A_SMALL_NETWORK = (
    *(replace(variant, dynamic_batch=not variant.dynamic_batch) for variant in _LEGACY),
    *(Variant("legacy", 17, form) for form in _OF_CONV1D),
    *(
        Variant(exporter, opset, form)
        for form in ("mean-keepdim", "mean-drop", "mean-pool")
        for exporter, opset in (("legacy", 11), ("legacy", 18), ("dynamo", 22))
    ),
)
_SOFTMAX = (
    Variant("legacy", 11, "softmax"),
    Variant("legacy", 17, "softmax"),
    Variant("dynamo", 20, "softmax"),
)


def _forms(name: str) -> tuple[str, ...]:
    if name.startswith("mlp"):
        return _OF_DENSE
    if name in _TWO_DIMENSIONAL:
        return _OF_ANY
    if name in _SEQUENCES:
        return tuple(form for form in _OF_CONV1D if form != "height-1")
    return _OF_CONV1D


def rows() -> list[tuple[str, Variant]]:
    """(student, variant), each once."""
    found: dict[tuple[str, Variant], None] = {}
    for number, name in enumerate(STUDENTS):
        forms = _forms(name)
        legacy = [variant for variant in _LEGACY if variant.opset >= _FIRST_LEGACY_OPSET.get(name, 0)]
        other = replace(legacy[(number + 4) % len(legacy)], form=forms[number % len(forms)])
        for variant in (legacy[number % len(legacy)], _DYNAMO[number % len(_DYNAMO)], other):
            found[name, variant] = None
    found |= dict.fromkeys(("small-relu", variant) for variant in _ON_A_SMALL_NETWORK)
    found |= dict.fromkeys(("resnet1", variant) for variant in _SOFTMAX)
    return list(found)
