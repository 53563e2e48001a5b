"""Training: the loop, its batches and optimizer, snapshots, and workers and processes that share the work."""
