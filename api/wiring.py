"""The composition root: the one place where a registry's parts are put together, and the only reader of settings.

- open_folder puts together what a data folder holds; create_folder makes one, with its root key outside it.
- Municipality.execute is the one way for a command: access, rules, decision and log, in that order.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from api.access import authorise, rules_hash
from api.keyroom import KeyRoom, create_keys, load_keys
from api.settings import NAME, NotAFolder, Settings, find_root_key, given_database, make_root_key
from api.stores import LOG, make_schema, open_stores
from domain import decider
from domain.constituting import AdoptRegulation
from domain.errors import DomainError
from domain.messages import Actor, Command, Mandate, Role, fresh_id
from domain.municipality import REGISTRY, OpenRegistry
from domain.municipality import Municipality as Opened
from domain.person import GrantRole, RegisterPerson
from domain.sources import house
from domain.when import parse
from projections.runner import Projector
from registry.checkpoints import Checkpoints
from registry.clock import Clock, SystemClock
from registry.destroyed import DestroyedList, ListDamaged
from registry.files import Files
from registry.postgres import PostgresRecorder
from registry.recorder import Conflict
from registry.registry import Decision, Once, Registry, Saved, StoredWorld
from registry.vault import Vault

SYSTEM = Actor("system", Mandate(Role.SYSTEM), "system")
CALENDAR_YEARS = 12
OPERATOR_ROLES = (Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.ARCHIVIST, Role.AUDITOR)


class Preconditions(Exception):
    """The caller named a version (If-Match) at which the stream no longer stands."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"the stream stands at version {found}, not {expected}")
        self.expected, self.found = expected, found


class Unshown(DomainError):
    """What was asked for would be answered in part: a view has stopped, and the operator has to make it go on."""


@dataclass
class Municipality:
    """Everything one municipality's registry consists of."""

    dir: Path
    settings: Settings
    registry: Registry
    views: sa.Engine
    projector: Projector
    keys: KeyRoom
    checkpoints: Checkpoints
    troubles: dict[str, str] = field(default_factory=dict)  # what the background could not do, for /readyz

    @property
    def slug(self) -> str:
        return self.settings.slug

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def database(self) -> str:
        """Where the log lies: its file, or the name of its schema."""
        recorder = self.registry.recorder
        return recorder.schema if isinstance(recorder, PostgresRecorder) else str(self.dir / LOG)

    @property
    def vault(self) -> Vault:
        return self.registry.vault

    def shown(self, at: int | None = None, *names: str) -> sa.Engine:
        """The views, to answer from as of a position or now; refused where these, or any, stopped before that."""
        for name, status in self.projector.status().items():
            if status.stopped and (at is None or at > status.position) and (name in names or not names):
                raise Unshown("view-stopped", house(59), view=name, position=status.position)
        return self.views

    @property
    def files(self) -> Files:
        return self.registry.files

    def execute(
        self,
        command: Command,
        person: str,
        assurance: str,
        *,
        once: Once | None = None,
        if_match: int | None = None,
    ) -> Saved:
        """Carry out a command for a person: authorised, decided and saved, or refused with nothing changed."""

        def decide(world: StoredWorld, now: datetime) -> Decision:
            # Who may not do it is not told which version there is (RFC 9110, 13.2.1).
            actor = authorise(command, person, assurance, world, now)
            if if_match is not None and (found := version_read(command, world)) != if_match:
                raise Preconditions(if_match, found)
            return Decision(
                actor, decider.decide(command, world, actor, now), rules_hash(command, world, now)
            )

        command = with_calendar(command)
        happened = parse(command.happened) if command.happened else None
        return self.registry.execute(decide, happened=happened, once=once)

    def execute_as(
        self, command: Command, actor: Actor, *, check: Callable[[StoredWorld], None] | None = None
    ) -> Saved:
        """Carry out an internal command for the registry itself or a signer whom the signing has identified."""

        def decide(world: StoredWorld, now: datetime) -> Decision:
            if check:
                check(world)
            return Decision(
                actor, decider.decide(command, world, actor, now), rules_hash(command, world, now)
            )

        return self.registry.execute(decide)

    def close(self) -> None:
        self.projector.stop()
        self.registry.close()
        self.views.dispose()


def with_calendar(command: Command) -> Command:
    """An adoption with the calendar days it will need, so that no later reading asks a holiday library."""
    if not isinstance(command, AdoptRegulation) or command.non_working_days:
        return command
    if (applies_from := command.valid_from or command.adopted_on) is None:
        return command  # it will be refused
    from holidays.constants import DE_FACTO, PUBLIC  # noqa: PLC0415  # slow to load, and asked only here
    from holidays.countries.sweden import Sweden  # noqa: PLC0415  # as above

    first = applies_from.year
    # Public holidays, and the three eves on which nobody works; weekends are counted where days are counted.
    days = Sweden(years=range(first, first + CALENDAR_YEARS), categories=(PUBLIC, DE_FACTO))
    return command.model_copy(update={"non_working_days": sorted(days)})


def target_stream(command: Command) -> str:
    """The stream a command is about: its kind and the id in the field of that name."""
    kind = type(command).STREAM
    return f"{kind}-{getattr(command, kind, REGISTRY)}"


def version_read(command: Command, world: StoredWorld) -> int:
    """The version at which a decision reads the stream that its command is about; the save holds it to that."""
    target = target_stream(command)
    kind, _, id = target.partition("-")
    world.get(decider.STATES[kind], id)
    return world.read[target]


def open_folder(
    path: Path,
    *,
    clock: Clock | None = None,
    root_key: bytes | None = None,
    placed: tuple[Settings, str | None] | None = None,
) -> Municipality:
    """Open a data folder; raises NotAFolder, NoRootKey, WrongDatabase, LogCut, LogUnavailable or WrongRootKey.

    placed: settings and a database's address, or none for the folder's files, other than those that stand.
    """
    path = path.resolve()
    settings = placed[0] if placed else Settings.read(path)
    url = placed[1] if placed else settings.database_url(path)
    clock = clock or SystemClock()
    folders = settings.checkpoint_folders(path)
    with ExitStack() as undo:
        stores = open_stores(path, settings, url, folders, root_key or find_root_key(path, settings))
        undo.callback(stores.close)
        vault, recorder = stores.vault, stores.recorder
        registry = Registry(settings.slug, recorder, vault, Files(path / "files", vault), clock)
        # Time stamps by the log's clock, which never goes back: none is earlier than the certificate it vouches for.
        token = settings.seal_token.token(path) if settings.seal_token else None
        keys = load_keys(path / "pki", settings.origin, vault, registry.now, token)
        destroyed = DestroyedList(folders, clock.now)
        with suppress(ListDamaged, OSError):  # doctor and verify say so
            destroyed.spread()
        vault.on_destroy = destroyed.add
        checkpoints = Checkpoints(recorder, folders, settings.origin, keys.pen)
        projector = Projector(registry, stores.views)
        undo.pop_all()
    return Municipality(path, settings, registry, stores.views, projector, keys, checkpoints)


def create_folder(
    path: Path,
    slug: str,
    name: str,
    root_key_file: Path,
    *,
    clock: Clock | None = None,
    simulated: bool = False,
) -> Municipality:
    """Make a data folder and open it: settings, keys, an empty log with its first events, and an operator.

    The folder must be absent or empty. The operator is a person of the register who holds the roles that the command
    line needs; nobody else has any role until somebody grants it.
    """
    if path.exists() and any(path.iterdir()):
        raise NotAFolder("not-empty", folder=path)
    url = given_database()
    if url:
        make_schema(url, slug)
    clock = clock or SystemClock()
    path.mkdir(parents=True, exist_ok=True)
    path = path.resolve()
    root = make_root_key(root_key_file.resolve())
    operator = fresh_id()
    try:
        key_place = str(root_key_file.resolve().relative_to(path.parent))
        key_place = f"../{key_place}"
    except ValueError:
        key_place = str(root_key_file.resolve())
    settings = Settings(
        slug=slug,
        name=name,
        origin=f"radsliggaren/{slug}",
        root_key=key_place,
        operator=operator,
        database="postgresql" if url else "sqlite",
        example=simulated,
    )
    stores = open_stores(path, settings, url, settings.checkpoint_folders(path), root)
    try:
        create_keys(path / "pki", name, settings.origin, stores.vault, clock.now())
    finally:
        stores.close()
    settings.write(path)
    municipality = open_folder(path, clock=clock, root_key=root)
    municipality.execute_as(
        OpenRegistry(name=name, slug=slug, clock="simulated" if simulated else "real"), SYSTEM
    )
    municipality.execute_as(RegisterPerson(person=operator, name="Registrets operatör"), SYSTEM)
    today = clock.now().date()
    for role in OPERATOR_ROLES:
        grant = GrantRole(person=operator, role=role, valid_from=today, ground="Registrets upplägg")
        municipality.execute_as(grant, SYSTEM)
    municipality.checkpoints.sign(clock.now())
    return municipality


def clock_declared(municipality: Municipality) -> str:
    """Which clock the registry's first event declares: real or simulated."""
    return municipality.registry.get(Opened, REGISTRY).clock


__all__ = ["NAME", "Conflict", "Municipality", "create_folder", "open_folder"]
