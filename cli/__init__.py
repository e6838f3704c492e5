"""The command line: one module per command, results to stdout, messages to stderr."""
