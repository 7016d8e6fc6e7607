"""An exported log, or a range of one, as plain files that anybody can read.

- export.json       what this is: format, municipality, name, origin of the log, first and last position, tree size
- events.jsonl      the events' own bytes, one a line, in order: a line's leaf hash is SHA-256(0x00 ‖ line without LF)
- tile/…            the hashes of the whole tree (C2SP tlog-tiles), so that a range is checked in its place
- checkpoints/      the signed checkpoints, each perhaps with a time stamp over its text (RFC 3161) as .tst
                    and, where others have witnessed it, with their lines below it as .cosigned, by the keys of
                    witnesses.vkeys
- log.vkeys         the keys they are signed with and how they were replaced (vkeys.py), and log.vkeys.p7s the
                    municipality's signature over those
- minutes/          sealed PDFs and detached signatures, found by the SHA-256 that the events name, each under a name
                    that says whose it is (sealed_name, approval_name)
- trust.pem         the municipality's certificate; what rests on it alone is self-asserted
- ca.crl            the municipality's revocation list: which of its certificates were found out, and from when
- signers.pem       where persons sign by an outside service: the authorities of their certificates, signers.pem.p7s the
                    municipality's signature over those, and their revocation lists, signers-….crl
- tsa.pem           where another authority has stamped the time, its certificate; likewise

Whatever else lies there, and export.json itself, proves nothing: `loose` lists it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from signing.checkpoint import MAX_SIZE
from signing.evidence import Evidence
from signing.note import NoteError, Vkey
from signing.pki import CRL, certificate_pem
from signing.records import Record
from signing.signers import SIGNERS, SIGNERS_LISTS, SIGNERS_SIGNATURE, lists
from signing.tiles import TILE_HEIGHT, TILE_WIDTH, Tile
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, LogKeys, read_vkeys

FORMAT = 1
INDEX, EVENTS, CHECKPOINTS, DOCUMENTS = "export.json", "events.jsonl", "checkpoints", "minutes"
ANCHOR, STAMP_ANCHOR, WITNESSES = "trust.pem", "tsa.pem", "witnesses.vkeys"


class Broken(ValueError):
    """The export's index, keys or certificate are not in their one form; the message says which."""


def read_export(
    folder: Path, roots: Sequence[x509.Certificate] | None, outside: Sequence[tuple[str, bytes]]
) -> Evidence:
    """The evidence in an export. Raises Broken; FileNotFoundError if it is none, or a part of it is missing."""
    index = _index((folder / INDEX).read_bytes())
    files = dict(_digests(folder / DOCUMENTS))
    first, last, size = index["from"], index["to"], index["size"]

    def artefact(digest: str) -> bytes | None:
        return files[digest].read_bytes() if digest in files else None

    def tile(wanted: Tile) -> bytes | None:
        path = folder / wanted.path
        return path.read_bytes() if path.is_file() else None

    return Evidence(
        records=lambda: _records(folder / EVENTS, first),
        checkpoints=[
            (note.name, note.read_bytes()) for note in sorted((folder / CHECKPOINTS).glob("*.note"))
        ],
        outside=list(outside),
        keys=_keys(folder),
        vkeys_signature=read_if_there(folder / VKEYS_SIGNATURE),
        signers=read_if_there(folder / SIGNERS),
        signers_signature=read_if_there(folder / SIGNERS_SIGNATURE),
        stamps=stamps(folder / CHECKPOINTS),
        stamp_roots=stamp_roots(folder),
        cosigned=cosigned(folder / CHECKPOINTS),
        witnesses=_witnesses(folder),
        crls=revocation_lists(folder),
        origin=index["origin"],
        roots=list(roots) if roots is not None else [read_anchor((folder / ANCHOR).read_bytes())],
        trusted=roots is not None,
        artefact=artefact,
        apart=True,
        first=first,
        last=last,
        size=size,
        tile=tile,
    )


def sealed_name(stream: str, version: int, stamped_again: int | None = None) -> str:
    """What a sealed PDF is called; one that was stamped again also by the position of that."""
    return f"{stream}-v{version}.pdf" if stamped_again is None else f"{stream}-v{version}-{stamped_again}.pdf"


def approval_name(stream: str, version: int, office: str) -> str:
    """What an approval's detached signature is called."""
    return f"{stream}-v{version}-{office}.p7s"


def misnamed(folder: Path, left: Iterable[Path], named: Mapping[str, str]) -> list[str]:
    """The names of documents that the events name under which something else lies, of what is loose."""
    names = set(named.values())
    return [path.name for path in left if path.parent == folder / DOCUMENTS and path.name in names]


def loose(folder: Path, evidence: Evidence, named: Mapping[str, str]) -> list[Path]:
    """The files of an export that no check rests on; named are the documents that the events name, by SHA-256."""
    names = (EVENTS, VKEYS, VKEYS_SIGNATURE, CRL, SIGNERS, SIGNERS_SIGNATURE)
    held = {folder / name for name in names} | set(folder.glob(SIGNERS_LISTS))
    for kind in ("*.note", "*.tst", "*.cosigned"):
        held |= set((folder / CHECKPOINTS).glob(kind))
    held |= {path for digest, path in _digests(folder / DOCUMENTS) if named.get(digest) == path.name}
    if not evidence.trusted:
        held.add(folder / ANCHOR)
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path not in held
        and not _is_tile(path.relative_to(folder).as_posix(), evidence.size)
    ]


def _is_tile(path: str, size: int) -> bool:
    """Whether this is where a tile of a tree of this size lies."""
    try:
        tile = Tile.from_path(path)
    except ValueError:
        return False
    hashes = (size >> TILE_HEIGHT * tile.level) - tile.index * TILE_WIDTH
    return tile.width == min(hashes, TILE_WIDTH)


def _keys(folder: Path) -> LogKeys:
    try:
        return LogKeys.read((folder / VKEYS).read_bytes())
    except NoteError as error:
        raise Broken(f"{VKEYS} is not in form: {error}") from error


def stamps(folder: Path) -> list[tuple[str, bytes, bytes]]:
    """The time stamps in a folder of checkpoints, each with the note it is over, which may be missing."""
    found = sorted(folder.glob("*.tst"))
    return [(str(path), read_if_there(path.with_suffix(".note")), path.read_bytes()) for path in found]


def stamp_roots(folder: Path) -> list[x509.Certificate]:
    """The certificates of outside time-stamp authorities that lie there: a claim, as everything there is."""
    data = read_if_there(folder / STAMP_ANCHOR)
    try:
        return x509.load_pem_x509_certificates(data) if data else []
    except ValueError as error:
        raise Broken(f"{STAMP_ANCHOR} does not hold certificates") from error


def revocation_lists(folder: Path) -> list[bytes]:
    """The municipality's revocation list, and those of the authorities it lets vouch for persons."""
    own = read_if_there(folder / CRL)
    return [*([own] if own else []), *lists(folder)]


def cosigned(folder: Path) -> list[tuple[str, bytes]]:
    """The checkpoints in a folder that witnesses have cosigned."""
    return [(str(path), path.read_bytes()) for path in sorted(folder.glob("*.cosigned"))]


def witness_keys(folder: Path) -> list[Vkey]:
    """The keys of the witnesses that a log knows: a claim, as everything there is. BadKey if they are not in form."""
    data = read_if_there(folder / WITNESSES)
    return read_vkeys(data) if data else []


def _witnesses(folder: Path) -> list[Vkey]:
    try:
        return witness_keys(folder)
    except NoteError as error:
        raise Broken(f"{WITNESSES} is not in form: {error}") from error


def read_if_there(path: Path) -> bytes:
    """What a file holds, or nothing if there is none."""
    return path.read_bytes() if path.is_file() else b""


def read_anchor(data: bytes) -> x509.Certificate:
    """The municipality's own certificate, in its one spelling and signed by itself."""
    try:
        certificate = x509.load_pem_x509_certificate(data)
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Broken(f"{ANCHOR} does not hold a certificate that is signed by itself") from error
    if data != certificate_pem(certificate):
        raise Broken(f"{ANCHOR} is not in form")
    return certificate


def _index(data: bytes) -> dict[str, Any]:
    try:
        index: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Broken(f"{INDEX} is not JSON: {error}") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise Broken(f"{INDEX} is not of format {FORMAT}")
    numbers = [index.get(name) for name in ("from", "to", "size")]
    if any(type(number) is not int for number in numbers) or type(index.get("origin")) is not str:
        raise Broken(f"{INDEX} lacks from, to, size or origin")
    if not 1 <= index["from"] <= index["to"] <= index["size"] <= MAX_SIZE:
        raise Broken(f"{INDEX}: from, to and size do not fit together")
    return index


def _digests(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*")):
        if path.is_file():
            with path.open("rb") as content:
                yield file_digest(content, "sha256").hexdigest(), path


def _records(path: Path, first: int) -> Iterator[Record]:
    with path.open("rb") as lines:
        for position, line in enumerate(lines, first):
            yield Record(position, line.removesuffix(b"\n"))
