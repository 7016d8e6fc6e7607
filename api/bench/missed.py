"""What the time goes to where a figure can miss its aim, and what was done about it: told on the page when it does."""

from __future__ import annotations

_COMMAND = (
    "What a command needs whatever the log is like (permission, decision, sealing, canonical bytes, leaf) takes about "
    'as long as the synced row, and stands in the row beside it, "decide, seal, encode, bare rows": no log could do '
    "better than that. "
)
WHY = {
    "append, 1 client": _COMMAND
    + "Done: the states that this process keeps are decided on without asking the log, the append is held to what was "
    "read in the same transaction (one round trip in PostgreSQL), and the answer is made from what was sealed.",
    "append, 32 clients": _COMMAND
    + "The clients are threads of one interpreter, which bare rows hardly need. Done: one commit for all who wait "
    "(decision 11).",
    "append, batches of 100": "The rest is what each stream's version is held to, and the answer. Done: the rows go in "
    "one statement, stamped and encoded once.",
    "rebuild of all views":
    "The peer only reads, in about 50 µs an event. Every event is also folded by the views of its kind of stream "
    "and becomes eight rows on average: 75 µs, 50 of them for the audit's. The rows are written by a second "
    "thread meanwhile, in 60. Done: what an event concerns is worked out once for all views, rows go as one text "
    "that the database takes apart itself, indexes are made last, and tables change places by name (decision 12). "
    "The reader has become three times as fast since the aim was set, and the share fell as the rebuild rose.",
    "memory of a rebuild": "How things hang together is remembered for the whole log (projections/links.py), some 100 "
    "bytes an event. Done: the rows are held flat, without what no fold asks for. The rest does not grow with the log.",
    "search in the words": "It reads the words of every event, in no index: what is destroyed must not lie on in one.",
    "audit query": "What has few events is read along its index and every other condition is asked of it; two that are "
    "both common and seldom meet are read to the end.",
    "verify: hashing": "The bare loop keeps one hash a level; verify keeps that of every complete subtree, which "
    "checkpoints, proofs and tiles are held to. Done: they lie end to end in one array a level.",
    "verify: canonical re-parse": "The bare loop accepts a key given twice, numbers beyond 2^53 and any shape. Done: "
    "orjson reads and writes, and the strict reader is asked only where that is not proof enough (registry/quick.py).",
}  # fmt: skip


def why(name: str) -> str | None:
    """What is told of a figure, if it can miss."""
    return next((text for start, text in WHY.items() if name.startswith(start)), None)
