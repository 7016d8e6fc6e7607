"""What is set for one registry, where its root key comes from, and which database it lies in.

- A data folder's own settings stand in its liggare.toml; nothing secret stands there.
- The root key lies outside the data folder. It is looked for in this order: LIGGARE_ROOT_KEY (the path of a file, or of
  a folder with `<slug>.key` in it; if it is set the key must be there), the service manager's credential
  `liggare-<slug>` (CREDENTIALS_DIRECTORY, as systemd's LoadCredential gives it), and the path in liggare.toml. A
  restart needs nobody at the keyboard.
- LIGGARE_DATABASE is the address of a PostgreSQL. It may hold a password, so it stands in the environment and nowhere
  else, and nothing repeats it. liggare.toml says only that the registry lies there: without the variable, or with it
  where the registry lies in files, nothing is opened, since another log than the registry's own would be.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.faults import Fault
from registry.files import sync_folder, write_synced
from registry.postgres_sessions import BadUrl, check_url
from signing.token import Token

NAME = "liggare.toml"
DATABASE = "LIGGARE_DATABASE"
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"


class NotAFolder(Fault):
    """The path is not a registry's data folder, or its settings cannot be read."""


class NoRootKey(Fault):
    """The root key was not found where it should be; the message says where that is."""


class WrongDatabase(Fault):
    """LIGGARE_DATABASE does not fit the folder, or cannot be used; the message never repeats it."""


Address = Annotated[str, Field(max_length=400, pattern=r"^https?://[^\x00-\x20\x7f]+$")]
Uri = Annotated[str, Field(max_length=200, pattern=r"^[a-z]+:[^\x00-\x20\x7f]+$")]


class SignatureService(BaseModel):
    """[signature_service] of liggare.toml: where persons sign, if not here (underskriftstjänst).

    Its certificates lie in pki/: service.pem for its answers, signers.pem for the authorities of its signers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=40, pattern=ONE_LINE)
    url: Address
    entity_id: Uri
    requester: Uri
    identity_provider: Uri
    attribute: Uri
    level: str = Field(max_length=200, pattern=r"^[a-z]+:[^\x00-\x20\x7f]*[/:][a-z0-9][a-z0-9-]{0,30}$")
    crl_urls: tuple[Address, ...] = Field(min_length=1)

    @property
    def level_code(self) -> str:
        """The level as events name it: the last part of its address."""
        return re.split("[/:]", self.level)[-1]


class SealToken(BaseModel):
    """[seal_token] of liggare.toml: where the key of the municipality's seal lies, if not in pki/ (PKCS #11).

    The PIN stands in a file outside the data folder, as the root key does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    module: str = Field(min_length=1, max_length=400, pattern=ONE_LINE)
    label: str = Field(min_length=1, max_length=32, pattern=ONE_LINE)
    pin_file: str = Field(min_length=1, max_length=400, pattern=ONE_LINE)

    def token(self, folder: Path) -> Token:
        """The token, whose PIN is read when it is opened."""
        return Token(self.module, self.label, lambda: (folder / self.pin_file).read_text("utf-8").strip())


class Settings(BaseModel):
    """liggare.toml. Relative paths are relative to the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    name: str = Field(min_length=1, max_length=120, pattern=ONE_LINE)
    origin: str = Field(min_length=1, max_length=120, pattern=ONE_LINE)
    root_key: str
    operator: str = Field(pattern=r"^[0-9a-f]{16}$")
    database: Literal["sqlite", "postgresql"] = "sqlite"
    example: bool = False
    outside_checkpoints: str | None = None
    checkpoint_every: int = Field(default=1000, ge=1)
    public_url: str | None = Field(
        default=None, max_length=120, pattern=r"^https?://[^\s/]+(/[^\s]*[^\s/])?$"
    )
    timestamp_url: str | None = Field(default=None, pattern=r"^https?://[^\x00-\x20\x7f]+$")
    signature_service: SignatureService | None = None
    seal_token: SealToken | None = None

    @model_validator(mode="after")
    def _answers_find_their_way(self) -> Settings:
        if self.signature_service and not self.public_url:
            raise ValueError("with signature_service, public_url says where answers are to be sent")
        return self

    @classmethod
    def read(cls, folder: Path) -> Settings:
        path = folder / NAME
        try:
            return cls(**tomllib.loads(path.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            raise NotAFolder("not-a-folder", folder=folder, file=NAME) from None
        except (OSError, tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise NotAFolder("settings-unreadable", file=path, reason=_why(error)) from error

    def write(self, folder: Path) -> None:
        said = self.model_dump(exclude_none=True)
        tables = {name: said.pop(name) for name, value in list(said.items()) if isinstance(value, dict)}
        lines = [f"{name} = {_toml(value)}" for name, value in said.items()]
        for table, values in tables.items():
            lines += ["", f"[{table}]", *(f"{name} = {_toml(value)}" for name, value in values.items())]
        write_synced(folder / NAME, ("\n".join(lines) + "\n").encode())

    def checkpoint_folders(self, folder: Path) -> list[Path]:
        """Where checkpoints are kept: in the data folder, and outside of it where that is set."""
        outside = [(folder / self.outside_checkpoints).resolve()] if self.outside_checkpoints else []
        return [folder / "checkpoints", *outside]

    def database_url(self, folder: Path) -> str | None:
        """The address of the database that the registry lies in, None if it lies in the folder's own files."""
        url = given_database()
        if self.database == "postgresql" and url is None:
            raise WrongDatabase("database-wanted", folder=folder, variable=DATABASE)
        if self.database == "sqlite" and url is not None:
            raise WrongDatabase("database-unwanted", folder=folder, variable=DATABASE)
        return url


def given_database() -> str | None:
    """The address in LIGGARE_DATABASE, None if there is none; raises WrongDatabase."""
    url = os.environ.get(DATABASE, "").strip()
    return checked_database(url, DATABASE) if url else None


def checked_database(url: str, where: str) -> str:
    """An address that can be read; raises WrongDatabase, which says where it stands and nothing of it."""
    try:
        check_url(url)
    except BadUrl as error:
        raise WrongDatabase("database-address", variable=where, reason=str(error)) from None
    return url


def _toml(value: str | int | bool | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML's escapes are JSON's


def _why(error: Exception) -> str:
    """What is wrong with the settings, in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return str(error)


def find_root_key(folder: Path, settings: Settings) -> bytes:
    """The 32 bytes of the root key; raises NoRootKey."""
    if given := os.environ.get("LIGGARE_ROOT_KEY"):
        path = Path(given)
        places = [path / f"{settings.slug}.key" if path.is_dir() else path]
    else:
        places = [folder / settings.root_key]
        if credentials := os.environ.get("CREDENTIALS_DIRECTORY"):
            places.insert(0, Path(credentials) / f"liggare-{settings.slug}")
    for path in places:
        if path.is_file():
            return read_root_key(path)
    tried = ", ".join(map(str, places))
    raise NoRootKey("no-root-key", slug=settings.slug, tried=tried)


def read_root_key(path: Path) -> bytes:
    """A root key from its file: 64 hexadecimal digits."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise NoRootKey("cannot-read", path=path, reason=error.strerror or str(error)) from error
    except ValueError:
        key = b""
    if len(key) != 32:
        raise NoRootKey("bad-root-key", file=path)
    return key


def make_root_key(path: Path) -> bytes:
    """A new root key in a file that only its owner can read; an existing file is never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(key.hex() + "\n")
        out.flush()
        os.fsync(out.fileno())
    sync_folder(path.parent)
    return key
