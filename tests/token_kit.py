"""A token behind PKCS #11, in software, for the tests of keys that lie on one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest

from signing.token import Token
from tests import outside

LABEL, PIN = "exempelby", "4711"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture(scope="module", name="token")
def token_in_software(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    tool, folder = outside.need("softhsm2-util"), tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    outside.run(tool, "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "0000")
    yield Token(str(MODULE), LABEL, lambda: PIN)
    del os.environ["SOFTHSM2_CONF"]
    pkcs11.unload(str(MODULE))  # it reads where its tokens lie only when it is loaded
