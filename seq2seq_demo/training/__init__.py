"""The training loop, its batches, optimiser and snapshots, and the workers that share a batch."""
