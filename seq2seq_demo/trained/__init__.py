"""A trained network: its weights file, its answers and their evaluation, as text and as pictures."""
