"""What is set for one registry, and where its root key comes from.

- A data folder's own settings stand in its liggare.toml; nothing secret stands there.
- The root key lies outside the data folder. It is looked for in this order: LIGGARE_ROOT_KEY (a file's path), the
  service manager's credential `liggare-<slug>` (CREDENTIALS_DIRECTORY, as systemd's LoadCredential gives it), and the
  path in liggare.toml. A restart needs nobody at the keyboard.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NAME = "liggare.toml"


class NotAFolder(Exception):
    """The path is not a registry's data folder, or its settings cannot be read."""


class NoRootKey(Exception):
    """The root key was not found where it should be; the message says where that is."""


class Settings(BaseModel):
    """liggare.toml. Relative paths are relative to the data folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    name: str = Field(min_length=1, max_length=120)
    origin: str = Field(min_length=1, max_length=120)
    root_key: str
    operator: str = Field(pattern=r"^[0-9a-f]{16}$")
    example: bool = False
    outside_checkpoints: str | None = None
    timestamp_url: str | None = None
    checkpoint_every: int = Field(default=1000, ge=1)

    @classmethod
    def read(cls, folder: Path) -> Settings:
        path = folder / NAME
        try:
            return cls(**tomllib.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            raise NotAFolder(f"{folder} is not a data folder: it has no {NAME}") from None
        except (tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise NotAFolder(f"{path} cannot be read: {error}") from error

    def write(self, folder: Path) -> None:
        lines = [f"{name} = {_toml(value)}" for name, value in self.model_dump(exclude_none=True).items()]
        (folder / NAME).write_text("\n".join(lines) + "\n", "utf-8")


def _toml(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def find_root_key(folder: Path, settings: Settings) -> bytes:
    """The 32 bytes of the root key; raises NoRootKey."""
    places = [
        Path(os.environ["LIGGARE_ROOT_KEY"]) if os.environ.get("LIGGARE_ROOT_KEY") else None,
        Path(os.environ["CREDENTIALS_DIRECTORY"]) / f"liggare-{settings.slug}"
        if os.environ.get("CREDENTIALS_DIRECTORY")
        else None,
        folder / settings.root_key,
    ]
    for path in places:
        if path is not None and path.is_file():
            return read_root_key(path)
    tried = ", ".join(str(path) for path in places if path is not None)
    raise NoRootKey(f"the root key of {settings.slug} is not to be found ({tried})")


def read_root_key(path: Path) -> bytes:
    """A root key from its file: 64 hexadecimal digits."""
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != 32:
        raise NoRootKey(f"{path} does not hold a root key (64 hexadecimal digits)")
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
    return key
