"""Speed measurements for `benchmark.py` and `growth.py`."""
