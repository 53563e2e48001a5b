"""The training loop, its batches, optimizer and snapshots, and the workers that share a batch."""
