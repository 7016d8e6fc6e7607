"""Verification as numbered steps that trust nothing stored.

 1 envelope            every event's bytes are in canonical form and complete; streams and times follow on
 2 columns             what stands beside the envelopes for look-up says the same as they do
 3 leaves              every stored leaf hash is that of its event's bytes (RFC 9162, 2.1.1)
 4 tree                the events give one tree without gaps, and the published tiles belong to it
 5 checkpoints         the log's signed checkpoints hold and their roots are the tree's (C2SP tlog-checkpoint)
 6 outside-checkpoint  so do those kept outside the database, which alone can reveal that events are gone or redone
 7 inclusion           the events behind every sealed document are proven to be in the signed tree (RFC 9162, 2.1.3)
 8 consistency         each checkpoint is proven to continue the one before it (RFC 9162, 2.1.4)
 9 pades               the sealed PDFs: every approver's signature and the seal that locks them (ETSI EN 319 142)
10 timestamps          the time stamps in them, and those over checkpoints (RFC 3161)
11 cms                 each approval's detached signature, over minutes root, render and version (RFC 5652)
12 statements          what the minutes say about the meeting is what its events say
13 rerender            the pinned version, rendered again, gives the bytes that were signed
14 digest              the views are what the events give
15 destruction         what is destroyed was decided, stays destroyed, and stands on every list of it
16 disclosures         what a copy shows gives the commitments of the version that was approved (copies.py)

Steps 12 to 15 need the registry's code and keys; here they are named as not run. A step that is not run says why; the
last is told of copies only.
As a program, `python -m signing.verify PATH`, it is alone.py.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from importlib import import_module
from typing import Any

from cryptography import x509

from signing import cms
from signing.canonical import encode
from signing.evidence import Destroyed, Evidence
from signing.export import approval_name, sealed_name
from signing.layers import Proof, ends
from signing.levels import Levels
from signing.log import HASH_SIZE, leaf_hash
from signing.pades_check import SEAL_FIELD, PdfCheck, check_pdf
from signing.pki import certificate_der
from signing.records import Documents, Reader, Record, SourceDamaged
from signing.report import STEPS, Report
from signing.signed_data import CmsError, is_list_of
from signing.signed_tree import (
    known_outside,
    verify_checkpoints,
    verify_growth,
    verify_inclusions,
    verify_stamps,
)
from signing.signers import accepted_signers
from signing.tiles import TILE_HEIGHT, TILE_WIDTH, tiles_at

__all__ = [
    "STEPS",
    "Destroyed",
    "Evidence",
    "Record",
    "Report",
    "SourceDamaged",
    "approval_statement",
    "verify_growth",
    "verify_inclusions",
    "verify_log",
    "verify_pdf",
]

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much (0: not known)


def verify_log(evidence: Evidence, now: datetime, progress: Progress = lambda *_: None) -> Report:
    """Steps 1 to 11 over a whole log or an exported range."""
    report, levels, documents = Report(), Levels(), Documents()
    signers = _signers(evidence, report)
    evidence = replace(evidence, crls=_revocations(evidence, report, signers))
    read_records(evidence, report, levels, documents, progress)
    stored = verify_checkpoints(evidence, report, levels, documents)
    verify_inclusions(stored, report, levels, documents)
    verify_documents(evidence, report, documents, signers, now, progress)
    verify_stamps(evidence, report)
    report.trusted &= bool(stored)  # events that nobody has signed are nobody's word
    report.named = _names(documents)
    return report


def _names(documents: Documents) -> dict[str, str]:
    """What the files that the events name are called in an export, by their SHA-256."""
    named = {
        data["cms"]: approval_name(stream, data["version"], data["office"])
        for _, stream, data in documents.approvals
    }
    sealed = {position for position, _, _ in documents.seals}
    for (stream, version), files in documents.became.items():
        for position, pdf in files:
            named[pdf] = sealed_name(stream, version, None if position in sealed else position)
    return named


# --- steps 1 to 4


def read_records(
    evidence: Evidence, report: Report, levels: Levels, documents: Documents, progress: Progress
) -> None:
    """Read every event once: its form, its columns, its leaf, its place in the tree."""
    reader = Reader(report, documents, evidence.decode)
    published = _published(evidence, report)
    try:
        for record in evidence.records():
            _append(levels, itertools.islice(published, max(0, record.position - 1 - levels.size)))
            if record.position != levels.size + 1:
                report.fail("tree", "position-missing", position=levels.size + 1, next=record.position)
                break
            leaf = leaf_hash(record.envelope)
            if evidence.tile and next(published, leaf) != leaf:
                report.fail("tree", "tile-leaf", position=record.position)
            if record.leaf is not None and record.leaf != leaf:
                report.fail("leaves", "leaf-differs", position=record.position)
            levels.append(leaf)
            reader.read(record)
            if reader.count % 1000 == 0:
                progress("events", reader.count, 0)
    except SourceDamaged as error:
        report.fail("envelope", "log-damaged", reason=str(error))
    _append(levels, published)
    _verify_upper_tiles(evidence, report, levels)
    progress("events", reader.count, reader.count)
    report.events, report.clock = reader.count, reader.clock
    if evidence.tile and reader.last != evidence.last:
        report.fail("tree", "range-short", last=reader.last, expected=evidence.last)
    if reader.count:
        _say_records(evidence, report, levels, reader)


def _say_records(evidence: Evidence, report: Report, levels: Levels, reader: Reader) -> None:
    report.ok("envelope", "envelope-ok", count=reader.count)
    root = levels.root(levels.size).hex()
    if evidence.tile is None:
        report.ok("columns", "columns-ok", count=reader.columns)
        report.ok("leaves", "leaves-ok", count=reader.count)
        report.ok("tree", "tree-ok", count=levels.size, root=root)
        return
    report.skip("columns", "no-columns")
    report.ok("leaves", "leaves-made", count=reader.count)
    report.ok("tree", "range-ok", first=evidence.first, last=reader.last, count=levels.size, root=root)


def _append(levels: Levels, leaves: Iterable[bytes]) -> None:
    for leaf in leaves:
        levels.append(leaf)


def _published(evidence: Evidence, report: Report) -> Iterator[bytes]:
    """The published leaf hashes in order; the first tile that is missing or short ends them."""
    for tile in tiles_at(evidence.size):
        if tile.level or evidence.tile is None:
            return
        data = evidence.tile(tile)
        if data is None or len(data) != tile.width * HASH_SIZE:
            report.fail("tree", "tile-missing", tile=tile.path)
            return
        for start in range(0, len(data), HASH_SIZE):
            yield data[start : start + HASH_SIZE]


def _verify_upper_tiles(evidence: Evidence, report: Report, levels: Levels) -> None:
    """The tiles above the lowest level are the ones that follow from the leaves."""
    if evidence.tile is None or levels.size != evidence.size:
        return
    for tile in tiles_at(evidence.size):
        if tile.level:
            start = tile.index * TILE_WIDTH
            made = (levels(tile.level * TILE_HEIGHT, index) for index in range(start, start + tile.width))
            if evidence.tile(tile) != b"".join(made):
                report.fail("tree", "tile-differs", tile=tile.path)


# --- steps 9 to 11


def verify_documents(
    evidence: Evidence,
    report: Report,
    documents: Documents,
    signers: Sequence[x509.Certificate],
    now: datetime,
    progress: Progress,
) -> None:
    """Every sealed PDF and every detached signature that the events name."""
    total = len(documents.seals) + len(documents.approvals)
    if evidence.missing is not None and total:
        code, values = evidence.missing
        for step in ("pades", "timestamps", "cms"):
            report.skip(step, code, **values)
        return
    # The chains of what holds end at the roots; where nothing is signed no chain has been found to end anywhere.
    report.trusted = evidence.trusted and total > 0
    crls = evidence.crls
    outside_times = known_outside(evidence) if any(map(len, map(x509.load_der_x509_crl, crls))) else []
    renders: dict[tuple[str, int], str] = {}
    approved: dict[tuple[str, int], list[str]] = defaultdict(list)
    for _, stream, data in documents.approvals:
        approved[stream, data["version"]].append(data["certificate"])
    destroyed = apart = outside = 0
    for done, (position, stream, data) in enumerate(documents.seals):
        progress("documents", done, total)
        name = f"{stream} v{data['version']} (position {position})"
        became = documents.became[stream, data["version"]]
        secret = evidence.apart and (stream, data["version"]) in documents.secret
        try:
            if secret and evidence.artefact(became[-1][1]) is None:
                apart += 1
                continue
            pdf = _artefact(evidence, report, "pades", name, became[-1][1])
        except Destroyed:
            destroyed += 1
            continue
        if pdf is not None:
            proofs = _continued(pdf, became, outside_times, report, name)
            found = verify_pdf(
                pdf, name, evidence.roots, evidence.trusted, report, now, crls, proofs, signers
            )
            key, whole = (stream, data["version"]), evidence.first == 1
            _verify_signers(found, approved[key], documents.papers.get(key, []), name, report, whole)
            # Of a file that cannot be read so far this is the whole: no render, and told of above.
            renders[key] = sha256(pdf[: found.first_revision_length]).hexdigest()
    for done, (position, stream, data) in enumerate(documents.approvals, len(documents.seals) + 1):
        name = f"{stream} v{data['version']}, {data['office']} (position {position})"
        root = documents.roots.get((stream, data["version"]))
        if root is None and evidence.first > 1:
            outside += 1
        elif root is None:
            report.fail("cms", "version-missing", name=name)
        elif root != data["root"]:
            report.fail("cms", "root-differs", name=name)
        if renders.get((stream, data["version"]), data["render_output"]) != data["render_output"]:
            report.fail("pades", "render-differs", name=name)
        existed = min((at for size, at in outside_times if size >= position), default=cms.NOBODY_KNOWS)
        _verify_approval(evidence, report, name, data, signers, existed)
        progress("documents", done, total)
    _say_documents(report, documents, destroyed, apart, outside)


def _say_documents(report: Report, documents: Documents, destroyed: int, apart: int, outside: int) -> None:
    sealed, approvals = len(documents.seals) - destroyed - apart, len(documents.approvals)
    papers = sum(map(len, documents.papers.values()))
    if apart:
        report.ok("pades", "pades-apart", count=sealed, destroyed=destroyed, apart=apart)
    elif destroyed:
        report.ok("pades", "pades-destroyed", count=sealed, destroyed=destroyed)
    elif sealed:
        report.ok("pades", "pades-ok", count=sealed)
    else:
        report.skip("pades", "nothing-sealed")
    if sealed:
        report.ok("timestamps", "stamps-ok", count=sealed)
    else:
        report.skip("timestamps", "nothing-sealed")
    if outside:
        report.ok("cms", "cms-range", count=approvals, outside=outside)
    elif approvals and papers:
        report.ok("cms", "cms-paper", count=approvals, papers=papers)
    elif approvals:
        report.ok("cms", "cms-ok", count=approvals)
    elif papers:
        report.skip("cms", "only-paper", papers=papers)
    else:
        report.skip("cms", "nothing-approved")


def _verify_signers(
    found: PdfCheck, approved: Sequence[str], papers: Sequence[str], name: str, report: Report, whole: bool
) -> None:
    """That the sealed file is signed with just the certificates that the approvals name, and attests just the prints
    signed by hand that the events name."""
    persons = [one for one in found.signers if one.field != SEAL_FIELD]
    attested = Counter(one.scan for one in persons if one.scan)
    signed = Counter(sha256(one.certificate).hexdigest() for one in persons if not one.scan)
    for code, seen, said in (
        ("paper-differs", attested, Counter(papers)),
        ("signers-differ", signed, Counter(approved)),
    ):
        if said - seen or (whole and seen - said):  # a range may begin after the event
            report.fail("pades", code, name=name)


def _signers(evidence: Evidence, report: Report) -> list[x509.Certificate]:
    """The outside authorities that the municipality lets vouch for persons."""
    try:
        own = [der for der in evidence.crls if _is_own(der, evidence.roots)]
        return accepted_signers(evidence.signers, evidence.signers_signature, evidence.roots, own)
    except CmsError as error:
        report.fail("cms", "signers-fault", reason=str(error))
        return []


def _is_own(der: bytes, roots: Sequence[x509.Certificate]) -> bool:
    try:
        return is_list_of(der, roots)
    except CmsError:
        return False  # _revocations says so


def _revocations(evidence: Evidence, report: Report, signers: Sequence[x509.Certificate]) -> list[bytes]:
    """The revocation lists that are an authority's own word; a spoilt one is a fault, and so is anybody else's."""
    kept = []
    for der in evidence.crls:
        try:
            if is_list_of(der, [*evidence.roots, *signers]):
                kept.append(der)
            else:
                report.fail("pades", "crl-foreign")
        except CmsError as error:
            report.fail("pades", "crl-fault", reason=str(error))
    return kept


def _continued(
    pdf: bytes, became: Sequence[tuple[int, str]], times: Sequence[Proof], report: Report, name: str
) -> list[Proof]:
    """That a file stamped again begins with every file it was before; and how much of it is known to be how old."""
    try:
        lengths = {sha256(pdf[:end]).hexdigest(): end for end in ends(pdf)}
    except ValueError:
        return []  # verify_pdf says what is wrong with it
    proofs: list[Proof] = []
    for position, digest in became:
        if len(became) > 1 and digest not in lengths:
            report.fail("pades", "not-continued", name=name, position=position)
        proofs += [(lengths.get(digest, 0), time) for size, time in times if size >= position]
    return proofs


def verify_pdf(
    pdf: bytes,
    name: str,
    roots: Sequence[x509.Certificate],
    trusted: bool,
    report: Report,
    now: datetime,
    crls: Sequence[bytes] = (),
    proofs: Sequence[Proof] = (),
    signers: Sequence[x509.Certificate] = (),
) -> PdfCheck:
    """Steps 9 and 10 for one sealed PDF."""
    result = check_pdf(pdf, roots, now, trusted=trusted, crls=crls, proofs=proofs, signers=signers)
    for check in result.checks:
        if check.ok is not True:
            report.fail(check.step, "pdf-fault", name=name, reason=check.detail)
    return result


def _artefact(evidence: Evidence, report: Report, step: str, name: str, digest: str) -> bytes | None:
    found = evidence.artefact(digest)
    if found is None:
        report.fail(step, "artefact-missing", name=name, digest=digest[:16])
    elif sha256(found).hexdigest() != digest:
        report.fail(step, "artefact-other", name=name)
    else:
        return found
    return None


def _verify_approval(
    evidence: Evidence,
    report: Report,
    name: str,
    data: dict[str, Any],
    signers: Sequence[x509.Certificate],
    existed: datetime,
) -> None:
    try:
        signature = _artefact(evidence, report, "cms", name, data["cms"])
    except Destroyed:
        report.fail("cms", "cms-destroyed", name=name)
        return
    if signature is None:
        return
    signed = approval_statement(data["root"], data["render_output"], data["version"])
    try:
        result = cms.verify(signature, signed, evidence.roots, evidence.crls, signers, existed)
    except CmsError as error:
        report.fail("cms", "cms-fault", name=name, reason=str(error))
        return
    if sha256(certificate_der(result.certificate)).hexdigest() != data["certificate"]:
        report.fail("cms", "certificate-differs", name=name)


def approval_statement(root: str, render: str, version: int) -> bytes:
    """The bytes that an approval's detached signature is over: minutes root, render hash and version."""
    return encode({"minutes_root": root, "render": render, "version": version})


if __name__ == "__main__":
    sys.exit(import_module("signing.alone").main(sys.argv[1:]))
