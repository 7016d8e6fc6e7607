"""Ways for a person to sign: one port, one adapter a file (underskriftstjänster)."""
