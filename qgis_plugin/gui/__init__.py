"""The user interface: panel, options page, and setup dialog."""
