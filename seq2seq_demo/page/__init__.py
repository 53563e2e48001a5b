"""An HTML page in which trained networks run."""
