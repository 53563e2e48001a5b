"""Data to learn from: patterns, a user's functions and pairs, and the points drawn from them."""
