"""The smallest pieces of a SQLite database file: varints, b-tree cells and record headers.

Taken from the published file format (https://sqlite.org/fileformat2.html), section by section:

- 1.6: a varint is one to nine bytes, seven bits each and eight in the ninth; SQLite always writes the
  shortest.
- 1.6: a cell is [left child (4)] [payload size] [row id] [payload kept here] [first overflow page (4)],
  where interior pages have the child, tables the row id and interior table pages no payload.
- 1.6: a payload longer than fits keeps a computed part in the page and the rest in a chain of overflow
  pages.
- 2.1: a record is its header's length, one serial type a column, then the values; 0 is NULL, 1-6 are
  integers of 1, 2, 3, 4, 6 and 8 bytes, 7 a float, 8 and 9 the constants 0 and 1, even numbers from 12
  blobs, odd from 13 text.

SQLite forgives some spellings it never writes, among them a longer varint and a value other than NULL in
the place of a row id. Here they are refused, so that a changed byte cannot hide in them.
"""

from dataclasses import dataclass

INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 0x02, 0x05, 0x0A, 0x0D
PAGE_KINDS = frozenset({INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE})
TABLE_KINDS = frozenset({INTERIOR_TABLE, LEAF_TABLE})
INTERIOR_KINDS = frozenset({INTERIOR_INDEX, INTERIOR_TABLE})
SMALLEST_CELL = 4
ROW_ID = "the row id"
OR_NULL = " or null"

_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}


class Broken(Exception):
    """The file departs from the format; the message says where."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: where it lies in its page, and what it points to."""

    start: int
    size: int
    padded: int
    child: int | None
    row_id: tuple[int, int]
    payload: int
    local_start: int
    local: int
    overflow: int | None


def read_varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The value and the place after it. Only the shortest spelling is taken."""
    value = 0
    for place in range(start, min(start + 9, end)):
        byte = data[place]
        length = place - start + 1
        value = value << 8 | byte if length == 9 else value << 7 | byte & 0x7F
        if byte < 0x80 or length == 9:
            if length > 1 and value < 1 << 7 * (length - 1):
                raise Broken("a number is written longer than it needs to be")
            return value, start + length
    raise Broken("a number runs over the end of its place")


def read_cell(data: bytes, kind: int, start: int) -> Cell:
    """The cell of a page of this kind that begins at `start`."""
    usable = len(data)
    place = start
    child = None
    if kind in INTERIOR_KINDS:
        if place + 4 > usable:
            raise Broken("a cell runs over the end of the page")
        child = int.from_bytes(data[place : place + 4], "big")
        place += 4
    payload = 0
    if kind != INTERIOR_TABLE:
        payload, place = read_varint(data, place, usable)
    before_row_id = place
    if kind in TABLE_KINDS:
        _, place = read_varint(data, place, usable)
    row_id = (before_row_id, place)
    local = local_size(payload, usable, is_table=kind in TABLE_KINDS)
    place_of_payload, end = place, place + local
    overflow = None
    if local < payload:
        overflow = int.from_bytes(data[end : end + 4], "big")
        end += 4
    if end > usable:
        raise Broken("a cell runs over the end of the page")
    size = end - start
    return Cell(
        start, size, max(size, SMALLEST_CELL), child, row_id, payload, place_of_payload, local, overflow
    )


def local_size(payload: int, usable: int, *, is_table: bool) -> int:
    """How much of a payload lies in the b-tree page itself."""
    largest = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
    if payload <= largest:
        return payload
    least = (usable - 12) * 32 // 255 - 23
    wanted = least + (payload - least) % (usable - 4)
    return wanted if wanted <= largest else least


def read_record(local: bytes, payload: int, kinds: tuple[str, ...] | None) -> list[tuple[int, int, int]]:
    """Each column's serial type and the bounds of its value, checked against what the table demands."""
    header, place = read_varint(local, 0, len(local))
    if header > len(local):
        raise Broken("a record's header is longer than the part kept in the page")
    columns: list[tuple[int, int, int]] = []
    value = header
    while place < header:
        serial, place = read_varint(local, place, header)
        columns.append((serial, value, value + _value_size(serial)))
        value = columns[-1][2]
    if value != payload:
        raise Broken("a record's columns do not add up to its length")
    if kinds is not None:
        if len(columns) != len(kinds):
            raise Broken(f"a record has {len(columns)} columns and should have {len(kinds)}")
        for (serial, _, _), kind in zip(columns, kinds, strict=True):
            if not _is_of_kind(serial, kind):
                raise Broken(f"a column that should hold {kind} is stored as type {serial}")
    return columns


def integer_value(serial: int, value: bytes) -> int:
    """The integer a serial type and its bytes stand for."""
    return serial - 8 if serial in (8, 9) else int.from_bytes(value, "big", signed=True)


def _value_size(serial: int) -> int:
    if serial >= 12:
        return (serial - 12) // 2
    if serial in (0, 7):
        return serial and 8
    if serial in _INTEGER_SIZES:
        return _INTEGER_SIZES[serial]
    raise Broken(f"a column has the reserved type {serial}")


def _is_of_kind(serial: int, kind: str) -> bool:
    if kind == ROW_ID or serial == 0:
        return serial == 0 and (kind == ROW_ID or kind.endswith(OR_NULL))
    if kind.startswith("integer"):
        return serial in _INTEGER_SIZES
    return serial >= 12 and serial % 2 == (1 if kind.startswith("text") else 0)
