"""The terminal's door: one module a command, results to stdout, talk to stderr."""
