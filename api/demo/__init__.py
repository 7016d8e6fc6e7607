"""A council's year, played through the public HTTP API on a simulated clock, for people to look around in."""
