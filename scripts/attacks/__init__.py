"""The attacks of `scripts/attack` that need a module of their own, and what they share."""
