"""The house keeps its own rules: arrows between the rooms, names, refusals that explain themselves, clean locks.

- The rooms import one another only along the arrows, and the leaf `signing` runs without any of the others.
- No code knows a municipality by name: only a profile and the demo do.
- No file names a package registry's host or a place on somebody's machine.
- Every refusal and every finding has its sentence in both languages, and rests on a rule that is written down.
- Every exception to lint or types stands beside its reason; nothing is left half done.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from itertools import chain

import pytest

from tests import outside, preflight
from tests.house import ROOMS, ROOT, called, code, text_files

MUNICIPALITIES = ("Lerum", "Ånge", "Värmdö", "Alingsås", "Härryda")
# Written in pieces, so that this file does not name what it looks for.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
    )
)
PLACES = ("file:" + "//", *(f"/{name}/" for name in ("work", "root", "home", "opt", "Users", "tmp")))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def run(*command: str) -> str:
    """Run a Python program here, and what it said."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- arrows
def test_the_rooms_import_one_another_only_along_the_arrows() -> None:
    said = run("-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())")
    assert " 0 broken" in said


def test_every_room_stands_under_the_arrows() -> None:
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == set(ROOMS)
    assert set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == set(ROOMS)
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert rooms == set(ROOMS)


def test_verification_loads_no_other_room_and_no_database_or_web_server() -> None:
    loaded = set(
        run("-c", "import sys, signing.verify; print(*{m.partition('.')[0] for m in sys.modules})").split()
    )
    others = {
        "domain",
        "registry",
        "projections",
        "api",
        "eventsourcing",
        "sqlalchemy",
        "fastapi",
        "starlette",
    }
    assert "signing" in loaded
    assert not loaded & others


def test_the_domain_reads_no_clock_no_file_and_no_setting() -> None:
    forbidden = re.compile(
        r"\b(datetime\.now|date\.today|time\.time|utcnow|open\(|read_text|os\.environ|import random)"
    )
    for path, text in code("domain"):
        assert not forbidden.search(text), path


# --- names
def test_no_code_knows_a_municipality_by_name() -> None:
    word = re.compile(rf"\b(?:{'|'.join(MUNICIPALITIES)})s?\b", re.IGNORECASE)
    for path, text in text_files():
        place = path.relative_to(ROOT)
        if place.parts[0] not in ROOMS or place.parts[:2] in {("domain", "profiles"), ("api", "demo")}:
            continue
        assert not word.search(text), f"{place}: {word.findall(text)}"


def test_no_file_names_a_registry_host_or_a_place_on_a_machine() -> None:
    hosts = re.compile("|".join(re.escape(host) for host in HOSTS))
    places = re.compile(r"(?<![\w.~$}*-])(?:" + "|".join(re.escape(place) for place in PLACES) + ")")
    for path, text in text_files():
        assert not hosts.search(text), f"{path}: {hosts.findall(text)}"
        assert not places.search(text), f"{path}: {places.findall(text)}"


def test_every_module_says_first_what_it_is_for() -> None:
    for path, text in code(*ROOMS, "tests"):
        assert ast.get_docstring(ast.parse(text)), path


# --- exceptions and loose ends
def test_every_exception_to_lint_or_types_has_its_reason_beside_it() -> None:
    bare = re.compile(
        r"#\s*(?:noqa(?!: [A-Z]+[0-9]+)|noqa: [A-Z0-9, ]+$|type: ignore(?!\[)|type: ignore\[[\w, -]+\]\s*$)"
    )
    for path, text in code(*ROOMS, "tests"):
        for number, line in enumerate(text.splitlines(), 1):
            assert not bare.search(line), f"{path}:{number}: {line.strip()}"


def test_every_rule_switched_off_in_the_settings_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for line in text.splitlines():
        if re.match(r'\s+"[A-Z]+[0-9]+",', line):
            assert re.search(r"# \w", line), line


def test_nothing_is_left_half_done() -> None:
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"))
    ways = "|".join(
        ("NotImplemented" + "Error", "pragma: no " + "cover", "mark.x" + "fail", "mark.sk" + r"ip\b")
    )
    loose = re.compile(rf"#.*\b({marks})\b|{ways}")
    for path, text in code(*ROOMS, "tests"):
        assert not loose.search(text), f"{path}: {loose.findall(text)}"


# --- refusals and findings
def texts(kind: str) -> dict[str, dict[str, str]]:
    """Every sentence of a kind, each code in one file only."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "api" / "texts").glob(f"{kind}*.toml")):
        for key, sentences in tomllib.loads(path.read_text("utf-8")).items():
            assert key not in found, f"{key} has two sentences, one of them in {path.name}"
            found[key] = sentences
    return found


def first_text(call: ast.Call) -> str | None:
    """The first argument of a call, if it is written out as text."""
    match call.args:
        case [ast.Constant(value=str(value)), *_]:
            return value
        case _:
            return None


REFUSED = sorted(
    {
        (str(first_text(call)), place)
        for place, call in called("Refused", "Forbidden")
        if first_text(call) is not None
    }
)


@pytest.mark.parametrize(("refusal", "place"), REFUSED)
def test_every_refusal_explains_itself_in_both_languages(refusal: str, place: str) -> None:
    sentences = texts("refusals").get(refusal)
    assert sentences, f"{refusal} of {place} has no sentence"
    assert {"sv", "en", "do_sv", "do_en"} <= sentences.keys()
    assert all(text.strip() for text in sentences.values())


def test_both_languages_say_the_same_values() -> None:
    place = re.compile(r"\{(\w+)\}")
    for kind in ("refusals", "findings"):
        for key, sentences in texts(kind).items():
            assert set(place.findall(sentences["sv"])) == set(place.findall(sentences["en"])), key


def test_no_rule_of_the_house_is_cited_that_the_handbook_lacks() -> None:
    handbook = (ROOT / "docs/handbook/house-rules.md").read_text("utf-8")
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", handbook, re.MULTILINE)]
    assert numbers == sorted(set(numbers)), "a number stands twice, or out of order"
    for place, call in called("house"):
        match call.args:
            case [ast.Constant(value=int(number))]:
                assert number in numbers, f"{place} cites house rule {number}"
            case _:
                pass  # a number handed on from a call that is looked at itself


# --- what is installed
def requirements(name: str) -> dict[str, str]:
    """The versions a lock names."""
    lines = (ROOT / "requirements" / name).read_text("utf-8").splitlines()
    pins = [line.split(" ")[0].partition("==") for line in lines if re.match(r"[a-z0-9]", line)]
    return {package: version for package, _, version in pins}


@pytest.mark.parametrize("name", ["run.txt", "build.txt", "dev.txt"])
def test_a_lock_holds_versions_and_hashes_and_nothing_else(name: str) -> None:
    for line in (ROOT / "requirements" / name).read_text("utf-8").splitlines():
        assert re.fullmatch(
            r"|\s*#.*|[a-z0-9._-]+==[A-Za-z0-9.+!]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        ), f"{name}: {line}"


def test_the_locks_agree_and_hold_what_the_project_asks_for() -> None:
    run_lock, dev = requirements("run.txt"), requirements("dev.txt")
    assert run_lock.items() <= dev.items()
    assert requirements("build.txt").items() <= dev.items()
    asked = {re.split(r"[\[<>=!~ ]", line)[0].lower() for line in PYPROJECT["project"]["dependencies"]}
    assert asked <= run_lock.keys()


def test_every_library_that_the_rooms_import_is_asked_for() -> None:
    packages = {
        "pyhanko_certvalidator": "pyhanko-certvalidator",
        "starlette": "fastapi",
        "anyio": "fastapi",
        "pydantic_core": "pydantic",
        "annotated_types": "pydantic",
        "pkcs11": "python-pkcs11",
    }
    project = PYPROJECT["project"]
    lines = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    asked = {re.split(r"[\[<>=!~ ]", line)[0].lower() for line in lines}
    for path, text in code():
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names} - set(ROOMS) - sys.stdlib_module_names:
                assert packages.get(name, name) in asked, f"{path} imports {name}"


def test_the_outside_validators_are_on_the_list_that_adds_them() -> None:
    listed = (ROOT / "requirements" / "debian.txt").read_text("utf-8").splitlines()
    assert set(outside.PACKAGES.values()) | set(preflight.CLASS_PATH.values()) <= set(listed)
