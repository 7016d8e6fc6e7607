"""A council's year, played through the public HTTP API on a simulated clock, and four municipalities entered there."""
