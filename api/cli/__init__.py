"""The command line: `liggare`."""
