"""Steps 5 to 8 of a verification, and the time stamps over checkpoints: what was signed over the tree.

- The keys that checkpoints are signed with are worth what stands behind them: the municipality's signature over
  log.vkeys, whose certificate leads to the roots.
- An export is made right after a checkpoint was signed, so one whose newest checkpoint covers less than its tree has
  been given an old one, and one without any has lost it: its events would be anybody's.
- What a witness has cosigned is worth most where the caller knows the witness by a key of their own.
- A time stamp is over a checkpoint's text, which is the same whenever and by whomever it is signed. One of the
  municipality's own authority is its own word; one of another authority is worth more, most where that authority's
  certificate came from the caller.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from cryptography import x509

from signing.checkpoint import Checkpoint
from signing.evidence import Evidence
from signing.found_out import cosigned_at, moment, verify_found_out
from signing.levels import Levels
from signing.log import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from signing.note import Note, NoteError, UnverifiedNote
from signing.pki import instant_text
from signing.records import Documents
from signing.report import Report
from signing.signed_data import CmsError, issuer_of, open_cms
from signing.timestamp import verify_stamp
from signing.vkeys import VKEYS, open_signature


def verify_checkpoints(
    evidence: Evidence, report: Report, levels: Levels, documents: Documents
) -> list[Checkpoint]:
    """The signed checkpoints against the tree, and against each other; those stored that hold, smallest first."""
    stored = _open_all(evidence, evidence.checkpoints, "checkpoints", report, levels)
    _verify_keys(evidence, report, levels)
    if evidence.tile and stored and stored[-1].size < evidence.size and not report.failed("checkpoints"):
        report.fail("checkpoints", "checkpoint-stale", size=stored[-1].size, count=evidence.size)
    witnessed, given = _verify_witnesses(evidence, report, levels)
    verify_found_out(evidence, report, levels, documents)
    if stored and witnessed:
        counts = {"count": len(stored), "size": stored[-1].size, "witnessed": witnessed, "given": given}
        report.ok("checkpoints", "checkpoints-witnessed", **counts)
    elif stored:
        report.ok("checkpoints", "checkpoints-ok", count=len(stored), size=stored[-1].size)
    elif not evidence.checkpoints and (documents.seals or evidence.tile):
        report.fail("checkpoints", "checkpoints-gone")
    else:
        report.skip("checkpoints", "no-checkpoint")
    outside = _open_all(evidence, evidence.outside, "outside-checkpoint", report, levels)
    if outside:
        report.ok("outside-checkpoint", "outside-ok", count=len(outside))
    else:
        report.skip("outside-checkpoint", "no-outside")
    verify_growth(stored, report, levels)
    return stored


def _verify_keys(evidence: Evidence, report: Report, levels: Levels) -> None:
    """That the keys which the checkpoints are signed with are the municipality's own word, and were replaced here."""
    try:
        open_signature(evidence.keys, evidence.vkeys_signature, evidence.roots, evidence.crls)
    except CmsError as error:
        report.fail("checkpoints", "vkeys-fault", reason=str(error))
    else:
        report.anchor = issuer_of(open_cms(evidence.vkeys_signature).certificate, evidence.roots)
    for era in evidence.keys.eras:
        if era.start > levels.size or (era.start and levels.root(era.start) != era.root):
            report.fail("checkpoints", "events-differ", name=f"{VKEYS}, from {era.start}", size=era.start)


def _verify_witnesses(evidence: Evidence, report: Report, levels: Levels) -> tuple[int, int]:
    """How many checkpoints witnesses have cosigned, and how many of them a witness whose key the caller gave."""
    witnessed = given = 0
    seen: dict[str, tuple[int, int]] = {}  # by each witness: the largest size, and since when
    own, known = set(evidence.keys.vkeys), (*evidence.witnesses, *evidence.given_witnesses)
    for name, note in evidence.cosigned:
        try:
            opened = evidence.keys.open(note, evidence.origin, known)
            signed = {one.vkey for one in opened.verified}
            if opened.unknown or signed <= own:
                raise UnverifiedNote("Not all of its lines are the log's and known witnesses'.")
        except NoteError as error:
            report.fail("checkpoints", "note-fault", name=name, reason=str(error))
            continue
        checkpoint = opened.checkpoint
        if checkpoint.size > levels.size or levels.root(checkpoint.size) != checkpoint.root:
            report.fail("checkpoints", "events-differ", name=name, size=checkpoint.size)
        witnessed += 1
        given += bool(signed & set(evidence.given_witnesses))
        for by, at in cosigned_at(opened, own):
            found = checkpoint.size, -at
            seen[by] = max(seen.get(by, found), found)
    for by, (size, at) in sorted(seen.items()):
        report.add("checkpoints", "witness-saw", witness=by, size=size, since=instant_text(moment(-at)))
    return witnessed, given


def _open_all(
    evidence: Evidence, notes: Sequence[tuple[str, bytes]], step: str, report: Report, levels: Levels
) -> list[Checkpoint]:
    opened = []
    for name, note in notes:
        try:
            checkpoint = evidence.keys.open(note, evidence.origin).checkpoint
        except NoteError as error:
            report.fail(step, "note-fault", name=name, reason=str(error))
            continue
        size = checkpoint.size
        if size > levels.size:
            report.fail(step, "events-gone", name=name, size=size, count=levels.size)
        elif levels.root(size) != checkpoint.root:
            _differs(evidence, report, step, name, size)
        else:
            opened.append(checkpoint)
    return sorted(opened, key=lambda checkpoint: checkpoint.size)


def _differs(evidence: Evidence, report: Report, step: str, name: str, size: int) -> None:
    found = [era.compromised for era in evidence.keys.signed(size) if era.compromised]
    if found:
        since = instant_text(min(found))
        report.fail(step, "events-differ-found-out", name=name, size=size, since=since)
    else:
        report.fail(step, "events-differ", name=name, size=size)


def verify_growth(checkpoints: Sequence[Checkpoint], report: Report, levels: Levels) -> None:
    """That each checkpoint is proven to continue the one before it."""
    pairs = [(old, new) for old, new in itertools.pairwise(checkpoints) if old.size < new.size]
    for old, new in pairs:
        proof = consistency_proof(old.size, new.size, levels)
        if not verify_consistency(old.size, new.size, old.root, new.root, proof):
            report.fail("consistency", "not-consistent", old=old.size, new=new.size)
    if pairs:
        report.ok("consistency", "consistency-ok", count=len(pairs))
    else:
        report.skip("consistency", "one-checkpoint")


def verify_inclusions(
    stored: Sequence[Checkpoint], report: Report, levels: Levels, documents: Documents
) -> None:
    """That the events behind approved and sealed documents stand in the newest signed tree."""
    newest = stored[-1] if stored else None
    if newest is None:
        report.skip("inclusion", "nothing-signed")
        return
    proven = later = 0
    for position, *_ in (*documents.approvals, *documents.seals):
        if position > newest.size:
            later += 1
            continue
        proof = inclusion_proof(position - 1, newest.size, levels)
        if not verify_inclusion(levels(0, position - 1), position - 1, newest.size, proof, newest.root):
            report.fail("inclusion", "not-included", position=position)
        proven += 1
    if later:
        report.ok("inclusion", "inclusion-later", count=proven, size=newest.size, later=later)
    else:
        report.ok("inclusion", "inclusion-ok", count=proven, size=newest.size)


def verify_stamps(evidence: Evidence, report: Report) -> None:
    """The time stamps over checkpoints: whose word each of them is."""
    own = known = 0
    municipality = _municipality(evidence)
    for name, note, token in evidence.stamps:
        if not note:
            report.fail("timestamps", "stamp-alone", name=name)
            continue
        try:
            digest = sha256(Note.parse(note).text.encode()).digest()
            stamped = verify_stamp(token, digest, evidence.roots, evidence.stamp_roots)
        except (CmsError, NoteError) as error:
            report.fail("timestamps", "stamp-fault", name=name, reason=str(error))
            continue
        own += stamped.issuer == municipality
        known += stamped.known and stamped.issuer != municipality
        if not stamped.ours:
            report.unprotected.append((name, 0, len(token)))
    if evidence.stamps:
        papers = report.passed["timestamps"].values["count"] if "timestamps" in report.passed else 0
        counts = {"papers": papers, "count": len(evidence.stamps), "own": own, "known": known}
        report.ok("timestamps", "stamps-both", **counts)


def known_outside(evidence: Evidence) -> list[tuple[int, datetime]]:
    """How long the log was by when, as others than the municipality say that were given: authorities and witnesses."""
    found, given = [], evidence.given_witnesses
    for _, note in evidence.cosigned if given else ():
        with suppress(NoteError):  # _verify_witnesses says so
            opened = evidence.keys.open(note, evidence.origin, given)
            seen = cosigned_at(opened, set(evidence.keys.vkeys))
            found += [(opened.checkpoint.size, moment(at)) for _, at in seen]
    for _, note, token in evidence.stamps:
        try:
            text = Note.parse(note).text
            stamped = verify_stamp(token, sha256(text.encode()).digest(), evidence.roots)
            if stamped.issuer != _municipality(evidence):
                found.append((Checkpoint.parse(text).size, stamped.at))
        except (CmsError, NoteError):
            continue  # verify_stamps says so
    return found


def _municipality(evidence: Evidence) -> x509.Name | None:
    """The authority that stands behind the log's keys."""
    try:
        return open_cms(evidence.vkeys_signature).certificate.issuer
    except CmsError:
        return None
