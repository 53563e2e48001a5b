"""The commands, each in its own module, and the modules that they share."""
