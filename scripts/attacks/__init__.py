"""The attacks of `scripts/attack` that are in separate modules, and their shared helpers."""
