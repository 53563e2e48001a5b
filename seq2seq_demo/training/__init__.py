"""Training: the loop, its snapshots, and the workers that share it."""
