"""What remains of a log whose keys somebody else may have had, and that what says so was not taken away.

- What was signed with them stands as far as it is proven to be older than that, by a time stamp or by a witness.
- Beyond that it stands on the keys that took over: they sign a tree that begins with it, since every checkpoint is held
  to one tree. Where none has taken over, it does not stand.
- A log in which an event says that its keys were found out, but whose published keys do not, is shown with old ones.
  So is one whose events tell of more found-out certificates than any revocation list that came with it: a list never
  forgets one, so it is older than that, or none.
- The time in a cosignature is the witness's word (C2SP tlog-cosignature, "Timestamp"): it saw the tree no later.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

from cryptography import x509

from signing.checkpoint import Checkpoint, OpenedCheckpoint
from signing.cms import NOBODY_KNOWS
from signing.evidence import Evidence
from signing.levels import Levels
from signing.note import Note, NoteError, Vkey
from signing.pki import instant_text
from signing.records import Documents
from signing.report import Report
from signing.signed_data import CmsError, is_list_of, require_not_revoked
from signing.timestamp import open_token, verify_stamp

LAST = 253402300799  # the last second of the year 9999, where Python's calendar ends


def cosigned_at(opened: OpenedCheckpoint, own: Collection[Vkey]) -> list[tuple[str, int]]:
    """When witnesses signed a checkpoint, by their names."""
    return [
        (one.vkey.name, one.time) for one in opened.verified if one.vkey not in own and one.time is not None
    ]


def moment(seconds: int) -> datetime:
    """The time of a cosignature."""
    return datetime.fromtimestamp(min(seconds, LAST), UTC)


def verify_found_out(evidence: Evidence, report: Report, levels: Levels, documents: Documents) -> None:
    """What remains of checkpoints whose keys somebody else may have had."""
    keys = evidence.keys
    if sizes := [str(era.start) for era in keys.eras if era.start]:
        report.add("checkpoints", "keys-replaced", sizes=", ".join(sizes))
    for position, data in documents.found_out:
        told = any(era.fingerprint == data["old"] and era.compromised for era in keys.eras)
        if data["key"] == "log" and not told:
            report.fail("checkpoints", "compromise-untold", position=position)
    found = [era for era in keys.eras if era.compromised]
    certificates = {data["old"] for _, data in documents.found_out if data["key"] != "log"}
    own = (der for der in evidence.crls if certificates and is_list_of(der, evidence.roots))
    listed = max((len(x509.load_der_x509_crl(der)) for der in own), default=0)
    if listed < len(certificates):
        report.fail("pades", "compromise-unlisted", count=len(certificates), listed=listed)
    proven = _proven(evidence, levels) if found else []
    for era in found:
        since, end = era.compromised, keys.end(era)
        assert since is not None
        before = max((size for size, at in proven if at < since), default=0)
        if end is not None:
            told_since, count = instant_text(since), min(before, end)
            report.add("checkpoints", "keys-found-out", size=end, since=told_since, before=count)
            continue
        for name, note in evidence.checkpoints:
            size = _size(note)
            if size > max(before, era.start):
                report.fail(
                    "checkpoints", "checkpoint-fallen", name=name, size=size, since=instant_text(since)
                )


def _proven(evidence: Evidence, levels: Levels) -> list[tuple[int, datetime]]:
    """How long the log was by when, as time stamps of authorities that were given and witnesses say."""
    proven = []
    for _, note, token in evidence.stamps:
        with suppress(CmsError, NoteError):  # verify_stamps says so
            text = Note.parse(note).text
            at = verify_stamp(token, sha256(text.encode()).digest(), evidence.roots).at
            require_not_revoked(open_token(token)[0].certificate, evidence.roots, evidence.crls, NOBODY_KNOWS)
            proven.append((Checkpoint.parse(text), at))
    own, known = set(evidence.keys.vkeys), (*evidence.witnesses, *evidence.given_witnesses)
    for _, note in evidence.cosigned:
        with suppress(NoteError):  # _verify_witnesses says so
            opened = evidence.keys.open(note, evidence.origin, known)
            for _, seconds in cosigned_at(opened, own):
                proven.append((opened.checkpoint, moment(seconds)))
    return [
        (one.size, at) for one, at in proven if one.size <= levels.size and levels.root(one.size) == one.root
    ]


def _size(note: bytes) -> int:
    """The size that a note states; 0 for one that is none, of which another step says so."""
    with suppress(NoteError):
        return Checkpoint.parse(Note.parse(note).text).size
    return 0
