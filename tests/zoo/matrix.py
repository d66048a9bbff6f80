"""Which student is exported how: every student at least three ways, every way at least once."""

from dataclasses import replace

from tests.zoo.exporters import DYNAMO_OPSETS, LEGACY_OPSETS, Variant

# Students whose operators ppg-deploy converts; the rest have definitions and parameter tests only.
_ONE_DIMENSIONAL = (
    "resnet1",
    "resnet2",
    "resnet4",
    "resnet6",
    "resnet8",
    "resnet10",
    "resnet12",
    "temponet",
    "timeppg-big",
    "timeppg-medium",
    "timeppg-small",
    "mobilenet-1d",
    "microresnet",
    "small-relu",
)
_ROWS = ("pulse", "pulse-teacher-without-attention")
_DENSE = ("mlp-small", "mlp-wide")
_EXPECTATIONS = (
    "expectation-column",
    "expectation-dense",
    "expectation-einsum",
    "expectation-flatten",
    "expectation-keepdim",
    "expectation-matmul",
    "expectation-scaled",
    "expectation-sum",
    "expectation-view",
)

# A legacy and a dynamo export of every student; opsets and options rotate through the rows below.
_LEGACY = tuple(
    Variant(
        "legacy", opset, dynamic_batch=opset % 2 == 0, external_weights=opset % 3 == 0, raw=opset % 4 == 1
    )
    for opset in LEGACY_OPSETS
)
_DYNAMO = tuple(
    Variant(
        "dynamo", opset, dynamic_batch=opset % 2 == 0, external_weights=opset % 3 == 1, raw=opset % 4 == 3
    )
    for opset in DYNAMO_OPSETS
)
_FORMS = {
    **dict.fromkeys(_ONE_DIMENSIONAL, ("height-1", "time-first", "views", "f-pad", "batch-norm-last")),
    **dict.fromkeys(_ROWS, ("views", "f-pad", "batch-norm-last", "batch-norm-first")),
    **dict.fromkeys(_DENSE, ("time-first",)),
    **dict.fromkeys(_EXPECTATIONS, ("views",)),
}
# Forms and options that concern one layer are tried on one network.
_CHEAP = (
    *(("small-relu", replace(variant, dynamic_batch=False)) for variant in (*_LEGACY, *_DYNAMO)),
    *(("small-relu", replace(variant, dynamic_batch=True)) for variant in (*_LEGACY, *_DYNAMO)),
    *(
        ("small-relu", Variant(exporter, opset, form))
        for form in ("mean-keepdim", "mean-drop", "mean-pool", "batch-norm-first")
        for exporter, opset in (("legacy", 11), ("legacy", 18), ("dynamo", 18), ("dynamo", 23))
    ),
    *(
        ("resnet1", Variant(exporter, opset, "softmax"))
        for exporter, opset in (("legacy", 11), ("legacy", 17), ("dynamo", 20))
    ),
)


def rows() -> list[tuple[str, Variant]]:
    """(student, variant), each once."""
    found: dict[tuple[str, Variant], None] = {}
    for number, (name, forms) in enumerate(_FORMS.items()):
        legacy, dynamo = _LEGACY[number % len(_LEGACY)], _DYNAMO[number % len(_DYNAMO)]
        found[name, legacy] = found[name, dynamo] = None
        for place, form in enumerate(forms):
            other = _LEGACY[(number + 3 * place + 5) % len(_LEGACY)]
            found[name, replace(other, form=form)] = None
    found |= dict.fromkeys(_CHEAP)
    return list(found)
