"""The 180 bins of 1 BPM that classifying students answer with. Nothing here needs torch."""

FIRST_BIN_BPM = 30.0
BINS = 180
