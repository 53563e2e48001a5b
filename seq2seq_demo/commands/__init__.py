"""The commands, a page each: `train`, `predict`, `evaluate` and `patterns`."""
