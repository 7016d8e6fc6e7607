"""A sound export, and every way of spoiling one that a verifier must see through: kept as assets.

- `python -m tests.golden_hostile` makes them anew, with keys that nobody keeps.
- tests/golden/hostile/sound is an export of the small log of tests/evidence.py, whole.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from signing.export import ANCHOR, CHECKPOINTS, DOCUMENTS, EVENTS, FORMAT, INDEX
from signing.pki import certificate_pem
from signing.tiles import tiles_at
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, write_vkeys
from tests.evidence import ORIGIN, Story, log_signers, stamped, story, vkeys_signature
from tests.signing_kit import authority

PLACE = Path(__file__).parent / "golden" / "hostile"
SOUND = PLACE / "sound"


def write_export(told: Story, folder: Path) -> None:
    """The story as an export."""
    evidence = told.exported()
    assert evidence.tile is not None
    size = len(told.events)
    index = {"format": FORMAT, "municipality": "exempelby", "name": "Exempelby", "origin": ORIGIN}
    files = {
        INDEX: json.dumps(index | {"from": 1, "to": size, "size": size}, indent=2).encode() + b"\n",
        EVENTS: b"".join(line + b"\n" for line in told.lines),
        VKEYS: write_vkeys([signer.vkey for signer in log_signers()]),
        VKEYS_SIGNATURE: vkeys_signature(),
        ANCHOR: certificate_pem(authority().ca.certificate),
    }
    files |= {tile.path: evidence.tile(tile) or b"" for tile in tiles_at(size)}
    for size in told.sizes:
        note = files[f"{CHECKPOINTS}/{size:012}.note"] = told.note(size)
        files[f"{CHECKPOINTS}/{size:012}.tst"] = stamped(note)
    for event in told.events:
        name = f"{DOCUMENTS}/{event['stream']}-v{event['data'].get('version')}"
        match event["topic"]:
            case "minutes-sealed.v1":
                files[f"{name}.pdf"] = told.files[event["data"]["pdf"]]
            case "minutes-approved.v1":
                files[f"{name}-{event['data']['office']}.p7s"] = told.files[event["data"]["cms"]]
            case _:
                pass
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def main() -> None:
    """Make them all."""
    shutil.rmtree(PLACE, ignore_errors=True)
    write_export(story(), SOUND)


if __name__ == "__main__":
    main()
