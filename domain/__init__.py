"""What may happen in a council's registry, and why. Pure: no input or output, no clock, no framework."""
