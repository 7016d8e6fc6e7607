"""What an outsider can check without us: canonical bytes, the Merkle log, checkpoints, seals and time stamps.

A leaf among the rooms: it imports none of ours, so that it can travel inside an archive package.
"""
