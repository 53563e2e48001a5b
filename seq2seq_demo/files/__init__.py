"""Files: written whole or not at all, named canonically, and read without trust."""
