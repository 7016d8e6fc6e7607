"""Every event ever stored is read, by every later version, as what it said then."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.messages import TOPICS
from registry.mapper import EnvelopeMapper
from signing.canonical import decode, encode
from tests.golden_events import MUNICIPALITY, meaning, paths, stored, vault


@pytest.fixture(scope="module")
def mapper() -> EnvelopeMapper:
    return EnvelopeMapper(MUNICIPALITY, vault())


def test_every_topic_has_one() -> None:
    missing = TOPICS.keys() - {path.stem for path in paths()}
    assert not missing, "python -m tests.golden_events writes them"


@pytest.mark.parametrize("path", paths(), ids=[path.stem for path in paths()])
def test_it_still_says_what_it_said(mapper: EnvelopeMapper, path: Path) -> None:
    event, then = stored(path)
    assert event.topic == path.stem
    assert meaning(mapper.to_domain_event(event), event.state) == then
    assert encode(decode(event.state)) == event.state
