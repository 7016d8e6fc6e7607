"""What the registry takes and gives in a second, each figure beside its limit or a peer from the same run."""
