"""The HTML page that a trained network runs in."""
