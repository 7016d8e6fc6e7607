"""The README's picture: the pages of a sealed paper of the demo, side by side. Usage: picture.py OUT.png"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pymupdf

DPI, GAP, GREY = 72, 16, 225


def newest_paper(folder: Path) -> Path:
    """Play the demo into a folder; its last sealed minutes."""
    liggare = Path(sys.executable).parent / "liggare"
    command = [liggare, "demo", "--dir", folder / "demo", "--no-serve", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own command
    played = json.loads(done.stdout)
    meetings = played["municipalities"][0]["meetings"]
    return Path([meeting["minutes_pdf"] for meeting in meetings if meeting["minutes_pdf"]][-1])


def side_by_side(paper: Path, out: Path) -> None:
    """Draw every page of a paper beside the one before it."""
    with pymupdf.open(paper) as document:
        pages = [page.get_pixmap(dpi=DPI) for page in document]
    width = sum(page.width for page in pages) + GAP * (len(pages) + 1)
    height = max(page.height for page in pages) + 2 * GAP
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, width, height))
    picture.clear_with(GREY)
    left = GAP
    for page in pages:
        page.set_origin(left, GAP)
        picture.copy(page, page.irect)
        left += page.width + GAP
    picture.save(out)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        side_by_side(newest_paper(Path(folder)), Path(sys.argv[1]))
