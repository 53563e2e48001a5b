"""What the scripts on speed share: the networks and data that are measured, processes, clocks and tables."""
