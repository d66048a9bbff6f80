"""Cuts steps into pieces, so that less has to be in memory at a time.

A piece is a step over a part of its output: a smaller step with its own borders, whose constants are those of the
whole. `area` says which part of its inputs a piece needs, `cutting` makes the piece, `regions` finds steps that can be
run piece by piece one behind the other, `schedule` chooses how many pieces.
"""
