"""A trained network: its weights file, its answers and their evaluation, and pictures of attention and training."""
