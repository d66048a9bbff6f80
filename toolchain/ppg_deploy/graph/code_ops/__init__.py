"""Operators whose formula is the same for int8 and int16 codes; zero points of int16 are 0."""
