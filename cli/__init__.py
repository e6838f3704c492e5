"""The command line: one module a command, results to stdout, messages to stderr."""
