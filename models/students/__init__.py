"""Student networks in PyTorch, written from their published specifications; they need the `[train]` extra."""
