"""Training data: patterns, pairs that a user provides, and random sources."""
