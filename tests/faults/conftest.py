"""One place before its day, made once and copied by every test of faults."""

from __future__ import annotations

import pytest

from tests.faults.day import Place
from tests.signings import Waiting


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Minutes are circulated and wait to be printed, signed and sealed."""
    return Place.of(Waiting.make(tmp_path_factory.mktemp("before")))
