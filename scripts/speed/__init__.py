"""Speed measurements for `benchmark.py`."""
