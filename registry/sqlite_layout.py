"""Which bytes of the log's SQLite file nothing protects, and what SQLite would forgive.

Whoever verifies the log reads every event, recomputes its hash and the root, compares the columns with the
envelope and runs SQLite's integrity check. That does not touch every byte of the file. This module walks
the file itself, by its published format (https://sqlite.org/fileformat2.html), and divides it in two:

- `structure_errors` checks what SQLite reads leniently or not at all: the header's fixed values and its two
  equal counters (1.3), the reserved and unused fields (1.3), that every page is used exactly once
  (1.4-1.7), that cells, free blocks and fragments fill a page's content area without overlap (1.6), that
  records have the shape their table demands (2.1), and that the schema is the expected one, word for word
  (2.6).
- `unprotected` lists what remains, since any value there is as good as another: the schema cookie and the
  writing library's version (1.3), the row ids of the schema table, the gap between a page's cell pointers
  and its cells, the insides of free blocks, fragments (1.6), the tail of a last overflow page (1.6), free
  pages (1.5), the page with the lock bytes (1.4) and every page of a table that holds no evidence.

A changed byte is thus found by the verification, found here, or listed. The walk visits a page once at
most, so it ends on any file, however damaged. It wants a file at rest: `settled` gives one when the log was
not closed cleanly.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from registry.sqlite_cells import (
    INTERIOR_KINDS,
    OR_NULL,
    PAGE_KINDS,
    ROW_ID,
    TABLE_KINDS,
    Broken,
    Cell,
    integer_value,
    read_cell,
    read_record,
)

HEADER_SIZE = 100
MAGIC = b"SQLite format 3\x00"
LOCK_BYTE = 1 << 30
MOST_ERRORS = 50
_SCHEMA_KINDS = ("text", "text", "text", "integer", "text or null")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the file must be: its two numbers, its tables, and which of them hold evidence.

    `tables` has each table's CREATE statement by name; indexes follow from these. The columns of a table
    that holds evidence are declared INTEGER, TEXT or BLOB.
    """

    application_id: int
    user_version: int
    tables: Mapping[str, str]
    protected: frozenset[str]


def unprotected(path: Path, shape: Shape) -> list[tuple[int, int]]:
    """The (offset, length) of every run of bytes that nothing protects, in order and without overlap."""
    return _Walk.over(path, shape).loose_ranges()


def structure_errors(path: Path, shape: Shape) -> list[str]:
    """What in the file is not as it must be, in sentences; empty for a sound file."""
    return _Walk.over(path, shape).errors


@dataclass(slots=True)
class _Walk:
    """One pass over the whole file."""

    file: BinaryIO
    shape: Shape
    length: int
    usable: int = 0
    pages: int = 0
    errors: list[str] = field(default_factory=list)
    loose: list[tuple[int, int]] = field(default_factory=list)
    used: dict[int, str] = field(default_factory=dict)

    @classmethod
    def over(cls, path: Path, shape: Shape) -> "_Walk":
        with path.open("rb") as file:
            walk = cls(file, shape, path.stat().st_size)
            try:
                walk._run()
            except Broken as error:
                walk._error(str(error))
        return walk

    def loose_ranges(self) -> list[tuple[int, int]]:
        merged: list[tuple[int, int]] = []
        for start, length in sorted(self.loose):
            if merged and start <= sum(merged[-1]):
                first = merged[-1][0]
                merged[-1] = (first, max(sum(merged[-1]), start + length) - first)
            else:
                merged.append((start, length))
        return merged

    def _error(self, sentence: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(f"The database file is damaged: {sentence}.")

    def _run(self) -> None:
        header = self._read(0, HEADER_SIZE)
        self._header(header)
        if self.length > LOCK_BYTE:
            page = LOCK_BYTE // self.usable + 1
            self._claim(page, "the lock bytes")
            self._loosen(page, 0, self.usable)
        for name, table, root in self._schema():
            self._tree(root, name, table)
        self._free_list(int.from_bytes(header[32:36], "big"), int.from_bytes(header[36:40], "big"))
        unused = self.pages - len(self.used)
        if unused:
            self._error(f"{unused} of its {self.pages} pages belong to nothing")

    # --- the header (1.3) ---

    def _header(self, header: bytes) -> None:
        if header[:16] != MAGIC:
            raise Broken("it does not begin as a SQLite 3 file does")
        size = int.from_bytes(header[16:18], "big")
        size = 1 << 16 if size == 1 else size
        if size < 512 or size & (size - 1):
            raise Broken(f"its page size {size} is impossible")
        self.usable, self.pages = size, self.length // size
        number = {at: int.from_bytes(header[at : at + 4], "big") for at in range(24, HEADER_SIZE, 4)}
        if number[28] * size != self.length:
            raise Broken(f"it should be {number[28]} pages of {size} bytes long and is {self.length} bytes")
        must_hold = {
            "the two format versions differ or are unknown": header[18] == header[19]
            and header[18] in (1, 2),
            "bytes are reserved at the end of each page": header[20] == 0,
            "the payload fractions are not 64, 32 and 32": header[21:24] == b"\x40\x20\x20",
            "the change counter and the size's counter differ": number[24] == number[92],
            "the schema format is not 4": number[44] == 4,
            "a cache size is suggested": number[48] == 0,
            "it is set to vacuum by itself": number[52] == 0 and number[64] == 0,
            "its text is not UTF-8": number[56] == 1,
            f"its format number is not {self.shape.user_version}": number[60]
            == self.shape.user_version & 0xFFFFFFFF,
            "it is not marked as a log of this program": number[68] == self.shape.application_id & 0xFFFFFFFF,
            "bytes that must be zero are not": not any(header[72:92]),
        }
        for sentence, holds in must_hold.items():
            if not holds:
                self._error(sentence)
        self.loose += [(40, 4), (96, 4)]

    # --- pages ---

    def _read(self, offset: int, length: int) -> bytes:
        self.file.seek(offset)
        data = self.file.read(length)
        if len(data) != length:
            raise Broken(f"it ends before byte {offset + length}")
        return data

    def _page(self, page: int) -> bytes:
        return self._read((page - 1) * self.usable, self.usable)

    def _claim(self, page: int, user: str) -> None:
        if not 1 <= page <= self.pages:
            raise Broken(f"{user} points to page {page} of {self.pages}")
        if page in self.used:
            raise Broken(f"page {page} belongs to both {self.used[page]} and {user}")
        self.used[page] = user

    def _loosen(self, page: int, start: int, end: int) -> None:
        if end > start:
            self.loose.append(((page - 1) * self.usable + start, end - start))

    # --- the schema (2.6) ---

    def _schema(self) -> list[tuple[str, str, int]]:
        """Name, table and root page of every table and index in the file."""
        found: dict[tuple[str, ...], int] = {}
        for page, data, cell in self._cells(1, "the schema", is_table=True, evidence=True):
            payload = data[cell.local_start : cell.local_start + cell.local]
            payload += self._overflow(cell, "the schema", evidence=True)
            columns = read_record(payload, cell.payload, _SCHEMA_KINDS)
            values = [payload[start:end] for _, start, end in columns]
            root = integer_value(columns[3][0], values.pop(3))
            found[tuple(value.decode("utf-8", "replace") for value in values)] = root
            self._loosen(page, *cell.row_id)
        if set(found) != _expected_schema(self.shape.tables.values()):
            self._error("its tables and indexes are not the expected ones, word for word")
        # Views and triggers have no pages.
        return [
            (name, table, root)
            for (kind, name, table, _), root in found.items()
            if kind in ("table", "index")
        ]

    # --- b-trees (1.6) ---

    def _tree(self, root: int, name: str, table: str) -> None:
        evidence = table in self.shape.protected
        is_table = name == table
        kinds = _column_kinds(self.shape.tables[table], table) if evidence and is_table else None
        for page, data, cell in self._cells(root, name, is_table=is_table, evidence=evidence):
            try:
                if evidence and cell.payload:
                    read_record(data[cell.local_start : cell.local_start + cell.local], cell.payload, kinds)
                if kinds is not None and ROW_ID not in kinds:
                    self._loosen(page, *cell.row_id)
                self._overflow(cell, name, evidence=evidence)
            except Broken as error:
                self._error(f"in page {page} of {name}, {error}")

    def _cells(
        self, root: int, name: str, *, is_table: bool, evidence: bool
    ) -> Iterator[tuple[int, bytes, Cell]]:
        """Every cell of a tree with the page it lies in. A page that does not hold together is left out."""
        waiting = [root]
        while waiting:
            page = waiting.pop()
            try:
                self._claim(page, name)
                data = self._page(page)
                cells, right = self._page_cells(page, data, is_table=is_table)
            except Broken as error:
                self._error(f"in page {page} of {name}, {error}")
                continue
            if not evidence:
                self._loosen(page, 0, self.usable)
            waiting += right
            waiting += [cell.child for cell in cells if cell.child is not None]
            yield from ((page, data, cell) for cell in cells)

    def _page_cells(self, page: int, data: bytes, *, is_table: bool) -> tuple[list[Cell], list[int]]:
        """The page's cells and its right-most child, after making sure that they and nothing else fill it."""
        base = HEADER_SIZE if page == 1 else 0
        kind = data[base]
        if kind not in PAGE_KINDS or (kind in TABLE_KINDS) != is_table:
            raise Broken(f"it is of kind {kind}")
        head = base + (12 if kind in INTERIOR_KINDS else 8)
        free, count, content = (int.from_bytes(data[base + at : base + at + 2], "big") for at in (1, 3, 5))
        content = content or 1 << 16
        pointers_end = head + 2 * count
        if not pointers_end <= content <= self.usable:
            raise Broken("its cells begin where they cannot")
        cells = [
            read_cell(data, kind, int.from_bytes(data[at : at + 2], "big"))
            for at in range(head, pointers_end, 2)
        ]
        spans = [(cell.start, cell.start + cell.padded) for cell in cells]
        for cell in cells:
            self._loosen(page, cell.start + cell.size, cell.start + cell.padded)
        for start, end in _free_blocks(data, free):
            spans.append((start, end))
            self._loosen(page, start + 4, end)
        reached, holes = content, 0
        for start, end in [*sorted(spans), (self.usable, self.usable)]:
            if start < reached:
                raise Broken("its cells and free blocks overlap")
            holes += start - reached
            self._loosen(page, reached, start)
            reached = end
        if holes != data[base + 7]:
            raise Broken(f"it has {holes} fragmented bytes and says {data[base + 7]}")
        self._loosen(page, pointers_end, content)
        right = [int.from_bytes(data[head - 4 : head], "big")] if kind in INTERIOR_KINDS else []
        return cells, right

    def _overflow(self, cell: Cell, name: str, *, evidence: bool) -> bytes:
        """The rest of a cell's payload, from its chain of overflow pages."""
        rest = bytearray()
        missing, following = cell.payload - cell.local, cell.overflow or 0
        while missing:
            page = following
            self._claim(page, f"the overflow of {name}")
            data = self._page(page)
            following = int.from_bytes(data[:4], "big")
            taken = min(missing, self.usable - 4)
            rest += data[4 : 4 + taken]
            missing -= taken
            self._loosen(page, 4 + taken if evidence else 0, self.usable)
        if following:
            raise Broken(f"a chain of overflow pages goes on to page {following} after its end")
        return bytes(rest)

    # --- free pages (1.5) ---

    def _free_list(self, trunk: int, expected: int) -> None:
        counted = 0
        while trunk:
            self._claim(trunk, "the list of free pages")
            data = self._page(trunk)
            following, count = (int.from_bytes(data[at : at + 4], "big") for at in (0, 4))
            if count > self.usable // 4 - 2:
                raise Broken(f"page {trunk} lists {count} free pages, more than it can")
            for at in range(8, 8 + 4 * count, 4):
                leaf = int.from_bytes(data[at : at + 4], "big")
                self._claim(leaf, "the free pages")
                self._loosen(leaf, 0, self.usable)
            self._loosen(trunk, 8 + 4 * count, self.usable)
            counted += 1 + count
            trunk = following
        if counted != expected:
            raise Broken(f"{counted} pages are free and the header says {expected}")


def _free_blocks(data: bytes, first: int) -> Iterator[tuple[int, int]]:
    """The bounds of each free block of a page. They stand in rising order, so the chain ends."""
    place, before = first, 0
    while place:
        following, size = (int.from_bytes(data[place + at : place + at + 2], "big") for at in (0, 2))
        if place < before or size < 4 or place + size > len(data):
            raise Broken("its free blocks are out of order")
        yield place, place + size
        place, before = following, place + size


def _expected_schema(statements: Iterable[str]) -> set[tuple[str, ...]]:
    """What the schema table holds after these statements, by SQLite's own account."""
    with closing(sqlite3.connect(":memory:")) as empty:
        for statement in statements:
            empty.execute(statement)
        return set(empty.execute("SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema"))


def _column_kinds(statement: str, table: str) -> tuple[str, ...]:
    """How each column of a table must be stored."""
    with closing(sqlite3.connect(":memory:")) as empty:
        empty.execute(statement)
        columns = empty.execute(
            'SELECT lower(type), "notnull", pk FROM pragma_table_info(?)', (table,)
        ).fetchall()
    keys = sum(1 for _, _, key in columns if key)
    return tuple(
        ROW_ID if key and keys == 1 and kind == "integer" else kind + ("" if required else OR_NULL)
        for kind, required, key in columns
    )
