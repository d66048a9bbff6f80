"""Einsum that is an ordinary matrix product, written as one."""

from dataclasses import replace

from ppg_deploy.convert.builder import Node


def as_matrix_product(node: Node) -> Node:
    """MatMul for an equation like nc,c->n or btc,cd->btd; any other Einsum as it was.

    The last letter of the first operand is the first one of the second operand, and the only one that disappears.
    """
    equation = str(node.attributes.get("equation", "")).replace(" ", "")
    operands, arrow, result = equation.partition("->")
    factors = operands.split(",")
    if not arrow or len(factors) != 2 or min(len(factor) for factor in factors) < 1:
        return node
    first, second = factors
    kept, summed, columns = first[:-1], first[-1], second[1:]
    letters = kept + summed + columns
    is_product = (
        second[0] == summed
        and len(columns) <= 1
        and result == kept + columns
        and letters.isalpha()
        and len(set(letters)) == len(letters)
    )
    return replace(node, op_type="MatMul", attributes={}) if is_product else node
