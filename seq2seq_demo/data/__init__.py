"""What there is to learn: patterns, a user's functions and pairs, and the points and batches that come of them."""
