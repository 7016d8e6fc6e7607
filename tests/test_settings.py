"""Settings and the root key: read strictly, written whole, found without anybody at the keyboard."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from api.settings import (
    NAME,
    NoRootKey,
    NotAFolder,
    Settings,
    _toml,
    find_root_key,
    make_root_key,
    read_root_key,
)

PLAIN = {
    "slug": "provkommun",
    "name": 'Prov "kommun" \\ Åby',
    "origin": "radsliggaren/provkommun",
    "root_key": "../keys/provkommun.key",
    "operator": "00" * 8,
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIGGARE_ROOT_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def settings(**changes: object) -> Settings:
    return Settings.model_validate(PLAIN | changes)


SERVICE = {
    "name": "Exempeltjänsten",
    "url": "https://sign.example.org/request",
    "entity_id": "https://sign.example.org",
    "requester": "https://registret.example.org",
    "identity_provider": "https://idp.example.org",
    "attribute": "urn:oid:1.2.752.29.6.2.1",
    "level": "http://id.elegnamnden.se/loa/1.0/loa3",
    "crl_urls": ["http://crl.example.org/a.crl", "http://crl.example.org/b.crl"],
}


def test_a_signature_service_and_a_token_are_tables_of_their_own(tmp_path: Path) -> None:
    token = {"module": "/usr/lib/softhsm/libsofthsm2.so", "label": "Åby", "pin_file": "../keys/pin"}
    written = settings(
        signature_service=SERVICE, seal_token=token, public_url="https://registret.example.org"
    )
    written.write(tmp_path)
    assert Settings.read(tmp_path) == written
    assert written.signature_service and written.signature_service.level_code == "loa3"
    faults: list[dict[str, object]] = [
        {"public_url": None},
        {"signature_service": SERVICE | {"level": "loa3"}},
        {"seal_token": {}},
    ]
    for wrong in faults:
        with pytest.raises(ValueError, match=r"public_url|level|module"):
            settings(**({"signature_service": SERVICE, "public_url": "https://a.example.org"} | wrong))


def test_written_and_read(tmp_path: Path) -> None:
    written = settings(example=True, checkpoint_every=10)
    written.write(tmp_path)
    assert Settings.read(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@for_all(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in [*range(32), 127]]),
        min_size=1,
        max_size=120,
    )
)
def test_any_name_survives(name: str) -> None:
    assert settings(name=name).name == name
    assert tomllib.loads(f"name = {_toml(name)}") == {"name": name}


@pytest.mark.parametrize(
    "changes",
    [{"slug": "Prov"}, {"slug": ""}, {"slug": "a/b"}, {"name": ""}, {"name": "a\nb"}, {"name": "a" * 121},
     {"origin": "a\x00"}, {"operator": "x"}, {"checkpoint_every": 0}, {"password": "hemligt"}],
)  # fmt: skip
def test_what_is_not_taken(tmp_path: Path, changes: dict[str, object]) -> None:
    lines = {**PLAIN, **changes}
    (tmp_path / NAME).write_text(
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()), "utf-8"
    )
    with pytest.raises(NotAFolder):
        Settings.read(tmp_path)


@pytest.mark.parametrize("content", [b"slug = ", b"\xff\xfe", b"", b"slug = 1"])
def test_what_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(NotAFolder):
        Settings.read(tmp_path)


def test_what_is_no_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    (tmp_path / "odd" / NAME).mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "none", file, tmp_path / "odd"):
        with pytest.raises(NotAFolder):
            Settings.read(folder)


# --- the root key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "d" / "provkommun"
    data.mkdir(parents=True)
    settings().write(data)
    return data


def test_a_root_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    key = make_root_key(path)
    assert len(key) == 32 and read_root_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        make_root_key(path)
    assert read_root_key(path) == key
    assert make_root_key(tmp_path / "b.key") != key


@pytest.mark.parametrize(
    "content", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, "å".encode() * 32, b"\xff" * 64]
)
def test_what_is_no_root_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    with pytest.raises(NoRootKey):
        read_root_key(path)


def test_it_is_found_where_the_settings_say(folder: Path) -> None:
    key = make_root_key(folder.parent / "keys" / "provkommun.key")
    assert find_root_key(folder, settings()) == key


def test_the_service_managers_credential_comes_first(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make_root_key(folder.parent / "keys" / "provkommun.key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert find_root_key(folder, settings()) == here
    given = make_root_key(tmp_path / "credentials" / "liggare-provkommun")
    assert find_root_key(folder, settings()) == given


def test_a_named_file_or_folder_comes_before_both(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_root_key(folder.parent / "keys" / "provkommun.key")
    file = make_root_key(tmp_path / "my.key")
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(tmp_path / "my.key"))
    assert find_root_key(folder, settings()) == file
    several = make_root_key(tmp_path / "several" / "provkommun.key")
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(tmp_path / "several"))
    assert find_root_key(folder, settings()) == several


def test_a_named_key_that_is_not_there_is_not_replaced_by_another(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_root_key(folder.parent / "keys" / "provkommun.key")
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(tmp_path / "gone.key"))
    with pytest.raises(NoRootKey, match=r"gone\.key"):
        find_root_key(folder, settings())


def test_it_is_told_where_the_key_should_be(folder: Path) -> None:
    with pytest.raises(NoRootKey, match=r"keys/provkommun\.key"):
        find_root_key(folder, settings())
