"""Files: atomic writes, canonical names, and readers that trust no input."""
