"""What this project says of the municipalities' documents it says in words of its own: how that is looked into.

- The documents are theirs and are not here. Of each run of eight words in them a digest is kept, short and salted by
  nothing: enough to find such a run in a file of ours, and too little to read one out of it.
- `python -m tests.own_words FOLDER` makes the digests anew from the documents' texts in a folder.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house import ROOT

RUN, SIZE = 8, 6
DIGESTS = ROOT / "tests" / "golden" / "runs-of-words.bin"


def runs(text: str) -> Iterator[str]:
    """Every run of eight words, as it reads without capitals, signs and line breaks."""
    words = re.findall(r"\w+", text.lower())
    return (" ".join(words[at : at + RUN]) for at in range(len(words) - RUN + 1))


def digest(run: str) -> bytes:
    return hashlib.sha256(run.encode()).digest()[:SIZE]


def kept() -> frozenset[bytes]:
    """The digests of the documents' runs."""
    content = DIGESTS.read_bytes()
    return frozenset(content[at : at + SIZE] for at in range(0, len(content), SIZE))


def shared(text: str, theirs: frozenset[bytes]) -> list[str]:
    """The runs in a text that stand in the documents too."""
    return [run for run in runs(text) if digest(run) in theirs]


if __name__ == "__main__":
    found = {digest(run) for path in Path(sys.argv[1]).glob("*.txt") for run in runs(path.read_text("utf-8"))}
    DIGESTS.write_bytes(b"".join(sorted(found)))
