"""The attacks of `scripts/attack` that have their own modules, and their shared helpers."""
