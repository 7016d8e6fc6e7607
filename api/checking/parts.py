"""What verifying a folder, an export and a PDF have in common: reading paths, and saying what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from cryptography import x509

from api.faults import Fault, told
from signing.report import TEXTS, Language, Say
from signing.report import say as say_alone

Progress = Callable[[str, int, int], None]
# What a damaged database may raise: what SQLite says of it may itself not be text.
DAMAGED = (sqlite3.Error, psycopg.Error, OSError, UnicodeDecodeError)
Missing = tuple[str, dict[str, str | int]]  # why something was not run


class Unreadable(Fault):
    """The path holds nothing that can be verified; the message says what was looked for."""


def read_bytes(path: Path) -> bytes:
    """A file that the caller named."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("nothing-there", path=path) from None
    except OSError as error:
        raise Unreadable("cannot-read", path=path, reason=error.strerror or str(error)) from error


def read_roots(path: Path) -> list[x509.Certificate]:
    """Trust anchors from a PEM file."""
    try:
        return x509.load_pem_x509_certificates(read_bytes(path))
    except ValueError:
        raise Unreadable("no-certificate", path=path) from None


def say(language: Language) -> Say:
    """How a report is told in a language."""

    def in_language(code: str, values: Mapping[str, str | int]) -> str:
        if code in TEXTS:
            return say_alone(code, values, language)
        return told("verify", code, language, values)

    return in_language
