"""The training loop, its batches, optimizer and snapshots, and the workers and processes that share a batch."""
