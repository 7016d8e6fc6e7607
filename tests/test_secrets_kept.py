"""A secret sentence is looked for in everything that those without the right can fetch, and found by those with it.

Of one meeting an item was secret from the beginning, and another was marked when its words had already gone into the
views and into a kallelse. The others' minutes say where both are; their own are signed by the same and sealed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pymupdf
import pytest

from api.backup import back_up
from api.checking import verify
from api.exporting import export
from api.personal import held
from domain.minutes_events import MinutesSealed
from projections.reading import fresh_digests, stored_digests
from projections.views import BY_NAME
from tests.web import Town

PROVISION = "OSL 18 kap. 1 §"
EARLY, LATE = "Vittnet bor på Ekgatan nio", "Hotet gäller familjen Granlund"
TITLES = ("Skydd av ett vittne", "Ett hot mot en familj")
MORE = ("Socialjouren i Ekbyn", "Jag vill ha polisvakt", "Bakgrunden är känd sedan hösten")
SECRETS = (EARLY, LATE, *TITLES, *MORE)
FOLDED = tuple(secret.casefold() for secret in SECRETS)
# Those who may not read it: members of the council, one of whom approves the other minutes in a hindered justerare's
# place, those who examine or run the registry, another body's secretary.
OTHERS = ("farida", "gunnar", "auditor", "administrator", "neighbour", None)
CLEARED = ("sofia", "karin", "per", "archivist")


@dataclass
class Kept:
    """The registry, and what there is in it to ask for."""

    town: Town
    folder: Path
    meeting: str
    minutes: str
    apart: str
    documents: dict[str, str]
    early: int
    late: int
    before: int  # a position at which the late item was not yet marked
    drafts: dict[
        str, list[int]
    ]  # what was answered about drafts from before the mark, before they were purged

    def asked(self) -> Iterator[str]:
        """Every address that can be read, for all that was made here."""
        ids = {
            "meeting": [self.meeting],
            "minutes": [self.minutes, self.apart],
            "document": [*self.documents.values()],
            "body": [self.town.ids["council"]],
            "person": [self.town.ids[who] for who in ("farida", "gunnar")],
            "version": ["1", "2", "3"],
            "name": list(BY_NAME),
            "position": [str(self.before)],
            "index": ["000.p/1"],
        }
        for path, operations in self.town.app.openapi()["paths"].items():
            if "get" not in operations or not path.startswith("/v1/{municipality}"):
                continue
            found = [path.removeprefix("/v1/{municipality}/")]
            for name in re.findall(r"\{(\w+)\}", found[0]):
                values = ids.get(name, ["0123456789abcdef"])
                found = [one.replace(f"{{{name}}}", value) for one in found for value in values]
            yield from found
        for document in self.documents.values():
            yield f"copies/{document}/{'0' * 32}"
        council = self.town.ids["council"]
        yield from (f"audit?body={council}&format={form}" for form in ("json", "csv", "text"))
        yield from (f"audit?text={secret.split()[-1]}&format=text" for secret in SECRETS)
        yield from (
            f"views/{view}?body={council}&known={self.before}" for view in ("item", "report", "kallelse")
        )
        yield from (
            f"meetings/{self.meeting}?known={self.before}",
            f"meetings/{self.meeting}/kallelse.pdf?issue=2",
        )
        yield from (
            f"minutes/{id}/versions/{n}/diff?from=1" for id in (self.minutes, self.apart) for n in (1, 2)
        )
        yield f"bodies/{council}/review?year=2024&format=pdf"


def make(folder: Path) -> Kept:
    town = Town.settled(folder)
    for who, role, body in (
        ("auditor", "auditor", None), ("administrator", "administrator", None), ("archivist", "archivist", None),
        ("neighbour", "secretary", "board"),
    ):  # fmt: skip
        town.register(who, who.capitalize())
        town.grant(who, role, body)
    for who in ("karin", "per", "gunnar"):
        town.passphrase(who)
    meeting = town.called()
    at = f"meetings/{meeting}"
    secrecy = {"provision": PROVISION, "date": "2024-03-01", "authority": "Kommunstyrelsen"}
    town.do(f"{at}/add-item", "sofia", title=TITLES[0], presenter=MORE[0], secrecy=secrecy)
    town.do(f"{at}/add-item", "sofia", title=TITLES[1])
    early, late = (item["item"] for item in town.seen(at)["items"][-2:])
    everyone = [{"person": town.ids[who]} for who in ("karin", "per", "farida", "gunnar")]
    town.do(f"{at}/issue-kallelse", "sofia", recipients=everyone)
    town.held(meeting)
    for item, words in ((early, EARLY), (late, LATE)):
        town.do(f"{at}/record-report", "sofia", item=item, by=town.ids["farida"], text=words)
        town.do(f"{at}/record-decision", "sofia", item=item, points=[words], dispatch=[MORE[0]])
        dissent = {"item": item, "participant": town.ids["farida"], "view": MORE[1]}
        town.do(f"{at}/record-dissent", "farida", **dissent)
        town.do(f"{at}/postpone-item", "sofia", item=item, reason=words)
    minutes = town.made("minutes/draft-minutes", "sofia", meeting=meeting)
    town.do(f"minutes/{minutes}/edit-minutes", "sofia", base=1, texts={str(late): MORE[2], "0": "Allmänt."})
    town.react()  # the views hold the words of the late item now
    before = town.municipality.registry.recorder.head().position
    assert LATE in json.dumps(town.seen("views/report", "operator"), ensure_ascii=False)
    town.do(f"{at}/mark-item-secret", "sofia", item=late, mark=secrecy)
    town.do(f"minutes/{minutes}/redraft-minutes", "sofia", base=2)
    apart = town.made("minutes/draft-secret-minutes", "sofia", meeting=meeting)
    town.do(f"minutes/{apart}/edit-minutes", "sofia", base=1, texts={str(late): MORE[2]})
    instead = {"office": "justerare", "person": town.ids["gunnar"], "reason": "Bortrest"}
    town.do(f"minutes/{minutes}/replace-signer", "sofia", **instead)
    signers = [town.ids["karin"], town.ids["per"]]
    for id, version in ((minutes, 3), (apart, 2)):
        town.do(f"minutes/{id}/circulate-minutes", "sofia", version=version, recipients=signers)
    town.react()
    old = [f"minutes/{minutes}/versions/2{more}" for more in ("", "/diff")] + [
        f"minutes/{minutes}/pdf?version=2"
    ]
    drafts = {who: [town.read(path, who).status_code for path in old] for who in ("gunnar", "per")}
    for id, version, justerare in ((minutes, 3, "gunnar"), (apart, 2, "per")):
        town.signed(id, "karin", "chair", version)
        town.signed(id, justerare, "justerare", version)
    town.react()
    taken = {
        "web": town.made(f"minutes/{minutes}/copies", "sofia", purpose="web", coverings=[]),
        "request": town.made(f"minutes/{minutes}/copies", "sofia", purpose="request", coverings=[]),
        "extract": town.made(f"minutes/{minutes}/extracts", "sofia", items=[1], place="Eken"),
        "apart": town.made(f"minutes/{apart}/copies", "sofia", purpose="request", coverings=[]),
        "apart-extract": town.made(f"minutes/{apart}/extracts", "sofia", items=[late], place="Eken"),
    }
    town.react()
    return Kept(town, folder, meeting, minutes, apart, taken, early, late, before, drafts)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made = make(tmp_path_factory.mktemp("secrets"))
    yield made
    made.town.close()


def told(content: bytes) -> str:
    """All that can be read in an answer or a file: of a PDF its words, its data and what is enclosed in it."""
    text = content.decode("utf-8", "replace")
    if content.startswith(b"%PDF"):
        with pymupdf.open(stream=content, filetype="pdf") as pdf:  # type: ignore[no-untyped-call]  # the library has no types
            text += " ".join(" ".join(page.get_text().split()) for page in pdf)
            text += " ".join(pdf.embfile_get(name).decode("utf-8", "replace") for name in pdf.embfile_names())
            text += str(pdf.metadata)
    return text


def found_in(content: bytes) -> list[str]:
    text = re.sub(r"\\u([0-9a-f]{4})", lambda sign: chr(int(sign[1], 16)), told(content))
    return [secret for secret, folded in zip(SECRETS, FOLDED, strict=True) if folded in text.casefold()]


def test_nobody_without_the_right_gets_a_secret_word_from_any_address(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answered, leaks = 0, list[tuple[str | None, str, list[str]]]()
    for who in OTHERS:
        for path in kept.asked():
            answer = kept.town.read(path, who)
            assert answer.status_code < 500, (path, answer.text)
            answered += answer.status_code == 200
            if words := found_in(answer.content):
                leaks.append((who, path, words))
    assert leaks == []
    assert answered > 150, "little was asked for that there is"
    assert found_in(caplog.text.encode()) == []


def test_the_views_hold_none_whoever_asks_and_as_of_any_position(kept: Kept) -> None:
    m = kept.town.municipality
    m.projector.catch_up()
    for view in BY_NAME:
        for known in ("", f"?known={kept.before}"):
            assert found_in(kept.town.read(f"views/{view}{known}", "operator").content) == []
    assert stored_digests(m.views) == fresh_digests(m.registry)
    assert stored_digests(m.views, kept.before) == fresh_digests(m.registry, kept.before)
    m.projector.rebuild()
    assert stored_digests(m.views) == fresh_digests(m.registry)


def test_drafts_from_before_a_mark_are_for_those_who_may_read_what_is_secret(kept: Kept) -> None:
    assert kept.drafts == {"gunnar": [403] * 3, "per": [200] * 3}


def test_those_who_write_approve_and_keep_them_read_them(kept: Kept) -> None:
    for who in CLEARED:
        shown = kept.town.read(f"meetings/{kept.meeting}", who)
        assert set(found_in(shown.content)) >= {EARLY, LATE, *TITLES}, who
        assert {EARLY, LATE} <= set(found_in(kept.town.read(f"minutes/{kept.apart}/pdf", who).content)), who
    for document in ("apart", "apart-extract"):
        assert LATE in found_in(kept.town.read(f"documents/{kept.documents[document]}/file", "sofia").content)


def test_what_is_secret_is_refused_with_the_roles_it_is_for(kept: Kept) -> None:
    for path in (
        f"minutes/{kept.apart}",
        f"minutes/{kept.apart}/pdf",
        f"documents/{kept.documents['apart']}",
    ):
        for who in OTHERS:
            assert kept.town.read(path, who).status_code in (401, 403), (path, who)


def test_the_minutes_of_the_rest_say_where_it_is_and_by_which_provision(kept: Kept) -> None:
    pages = told(kept.town.read(f"minutes/{kept.minutes}/pdf", "farida").content)
    for item in (kept.early, kept.late):
        assert f"§ {item} Sekretessbelagd paragraf" in pages
    assert PROVISION in pages
    assert "i ett särskilt protokoll" in pages
    for copy in ("web", "request"):
        words = told(kept.town.read(f"documents/{kept.documents[copy]}/file", "farida").content)
        assert (PROVISION in words, "Sekretessbelagd paragraf" in words) == (True, True)


def test_the_secret_minutes_hold_only_what_is_secret_and_are_sealed_like_the_others(
    kept: Kept, tmp_path: Path
) -> None:
    content = kept.town.read(f"minutes/{kept.apart}/pdf", "sofia").content
    words = told(content)
    assert "sekretessbelagd del" in words
    assert "Läget är lugnt" not in words
    (file := tmp_path / "apart.pdf").write_bytes(content)
    assert verify(file, trust=kept.town.municipality.keys.trust_anchor)["ok"]
    seals = [
        fact.event
        for fact in kept.town.municipality.registry.facts()
        if isinstance(fact.event, MinutesSealed)
    ]
    assert {one.minutes: one.secret for one in seals} == {kept.minutes: False, kept.apart: True}


def test_an_export_leaves_them_out_and_verifies_and_so_does_one_with_them(kept: Kept, tmp_path: Path) -> None:
    m = kept.town.municipality
    for name, secret in (("without", False), ("with", True)):
        export(m, tmp_path / name, secret=secret)
        leaks = [
            path.name
            for path in (tmp_path / name).rglob("*")
            if path.is_file() and found_in(path.read_bytes())
        ]
        assert leaks == ([f"minutes-{kept.apart}-v2.pdf"] if secret else [])
        result = verify(tmp_path / name, trust=m.keys.trust_anchor)
        assert result["ok"], result["checks"]
        pades = next(check["detail"] for check in result["checks"] if check["step"] == "pades")
        assert ("sekretessbelagda" in pades) is not secret


def test_an_open_file_missing_from_an_export_is_still_missed(kept: Kept, tmp_path: Path) -> None:
    m = kept.town.municipality
    export(m, tmp_path / "out")
    (tmp_path / "out" / "minutes" / f"minutes-{kept.minutes}-v3.pdf").unlink()
    assert not verify(tmp_path / "out", trust=m.keys.trust_anchor)["ok"]


def test_the_folder_verifies_and_neither_it_nor_a_backup_holds_a_word_in_the_clear(
    kept: Kept, tmp_path: Path
) -> None:
    m = kept.town.municipality
    result = verify(m.dir)
    assert result["ok"], result
    back_up(m.dir, tmp_path / "backup")
    for root in (tmp_path / "backup", m.dir):
        leaks = [path.name for path in root.rglob("*") if path.is_file() and found_in(path.read_bytes())]
        assert leaks == []


def test_what_is_held_on_a_person_has_the_words_for_those_cleared_only(kept: Kept) -> None:
    person = kept.town.ids["farida"]
    assert found_in(kept.town.read(f"persons/{person}/held", "farida").content) == []
    assert {EARLY, LATE, MORE[1]} <= set(found_in(kept.town.read(f"persons/{person}/held", "sofia").content))
    whole = json.dumps(held(kept.town.municipality, person), ensure_ascii=False)
    assert {EARLY, LATE} <= set(found_in(whole.encode()))
