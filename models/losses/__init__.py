"""What a student is taught with: one file a loss, and their weighted sum.

Every loss is a pure function of tensors that returns the mean over the batch. Answers are logits (N, 180) over bins of
1 BPM, or heart rates (N, 1) in BPM.
"""
