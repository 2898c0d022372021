"""What the pages of download clients, indexers and metadata share: their forms, and connection tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import units
from mydia.adapters import download_clients, indexers
from mydia.adapters.errors import AdapterError
from mydia.adapters.kinds import Connection, Need
from mydia.contexts import settings
from mydia.contexts.settings import (
    DownloadClientRow,
    FolderFinding,
    IndexerRow,
    NewClient,
    NewIndexer,
    ServiceStatus,
)
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid, MydiaError
from mydia.secret import Secret
from mydia.web.deps import WebDeps
from mydia.web.forms import Count, Form

type Family = Literal["client", "indexer"]
_EMPTY_MAPPINGS = 2
_SAMPLE = 5
_USES = ("rss", "automatic_search", "interactive_search")
"""The switches of an indexer."""


class MappingRow(Struct, kw_only=True):
    """A path as the client sees it, and as Mydia sees it."""

    remote: str = ""
    local: str = ""


class ServiceFields(Struct, kw_only=True):
    """The form of a client or an indexer. The options of its kind come from the table of needs."""

    name: str = ""
    kind: str = ""
    url: str = ""
    username: str | None = None
    secret: Secret = Secret("")
    """Empty: the stored one."""
    priority: Count | None = None
    enabled: bool = True
    automatic_search: bool = True
    interactive_search: bool = True
    rss: bool = True
    rows: tuple[MappingRow, ...] = ()
    values: dict[str, str] = {}
    service_id: str | None = None
    """The stored service that is being tested."""

    @property
    def mappings(self) -> tuple[tuple[str, str], ...]:
        """Return the path mappings, without empty ones."""
        return tuple((row.remote, row.local) for row in self.rows if row.remote or row.local)

    def client(self) -> NewClient:
        """Return the client that the form describes."""
        return NewClient(
            name=self.name,
            kind=self.kind,
            url=self.url,
            username=self.username,
            secret=self.secret,
            options=self._options("client"),
            enabled=self.enabled,
            priority=1 if self.priority is None else self.priority,
            mappings=self.mappings,
        )

    def indexer(self) -> NewIndexer:
        """Return the indexer that the form describes."""
        return NewIndexer(
            name=self.name,
            kind=self.kind,
            url=self.url,
            secret=self.secret,
            options=self._options("indexer"),
            enabled=self.enabled,
            automatic_search=self.automatic_search,
            interactive_search=self.interactive_search,
            rss=self.rss,
            priority=25 if self.priority is None else self.priority,
        )

    def _options(self, family: Family) -> Mapping[str, str]:
        """Return the options; a box that is not ticked is not sent, and must not count as its default."""
        needs = needs_of(family, self.kind) if self.kind in dict(kinds_of(family)) else ()
        return {need.key: "false" for need in needs if need.type == "checkbox"} | self.values


def add_service(session: Session, caller: Caller, now: datetime, family: Family, wanted: ServiceFields) -> str:
    """Add the client or indexer that a form describes, and return its name."""
    if family == "client":
        return settings.clients.add_client(session, caller, now, wanted.client()).name
    return settings.indexers.add_indexer(session, caller, now, wanted.indexer()).name


def change_service(
    session: Session, caller: Caller, now: datetime, family: Family, service_id: str, wanted: ServiceFields
) -> str:
    """Change a client or indexer to what a form describes, and return its name."""
    if family == "client":
        return settings.clients.change_client(session, caller, now, service_id, new=wanted.client()).name
    return settings.indexers.change_indexer(session, caller, now, service_id, new=wanted.indexer()).name


class ServiceForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form of one client or indexer, as it is shown."""

    family: Family
    kinds: tuple[tuple[str, str], ...]
    kind: str
    needs: tuple[Need, ...]
    values: Mapping[str, Any]
    test_action: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    has_secret: bool = False
    mappings: tuple[tuple[str, str], ...] = ()
    open: bool = False
    """Whether `More` is open."""


class TestResult(msgspec.Struct, frozen=True):
    """The result of a connection test."""

    tone: str
    title: str
    text: str = ""
    findings: tuple[FolderFinding, ...] = ()


class HealthChip(msgspec.Struct, frozen=True):
    """The state of a service."""

    kind: str
    icon: str
    word: str
    title: str = ""


def health_chip(status: ServiceStatus | None, enabled: bool, now: datetime) -> HealthChip:
    """Return the chip of a service."""
    if not enabled:
        return HealthChip("off", icon="power", word="Off")
    if status is None:
        return HealthChip("off", icon="circle-dashed", word="Not checked yet")
    if status.state == "ok":
        return HealthChip("ok", icon="check", word="Answers", title=status.version or "")
    silent_s = (now - status.since_at).total_seconds()
    word = "Fails"
    if status.last_error_code == "unreachable":
        word = "No answer" if silent_s < 60 else f"No answer for {units.duration(silent_s)}"
    return HealthChip("fail", icon="triangle-alert", word=word, title=status.last_error or "")


def kinds_of(family: Family) -> tuple[tuple[str, str], ...]:
    """Return (key, label) of the kinds."""
    table: Mapping[str, Any] = download_clients.KINDS if family == "client" else indexers.KINDS
    return tuple((key, kind.label) for key, kind in table.items())


def needs_of(family: Family, kind: str) -> tuple[Need, ...]:
    """Return the fields of a kind. Raises Invalid for an unknown kind."""
    if family == "indexer":
        return settings.indexers.needs_of(kind)
    found = download_clients.KINDS.get(kind)
    if found is None:
        raise Invalid(f"There is no download client of kind “{kind}”.")
    return found.needs


def blank_form(family: Family, kind: str | None, taken: set[str]) -> ServiceForm:
    """Return a new form with default values."""
    kinds = kinds_of(family)
    chosen = kind if kind in dict(kinds) else kinds[0][0]
    table: Mapping[str, Any] = download_clients.KINDS if family == "client" else indexers.KINDS
    label = table[chosen].label.split(" (")[0]
    values: dict[str, Any] = {need.key: _written(need.default) for need in needs_of(family, chosen)}
    values |= {
        "name": next(name for n in range(1, 99) if (name := label if n == 1 else f"{label} {n}") not in taken),
        "url": table[chosen].default_url,
        "priority": "1" if family == "client" else "25",
        "automatic_search": True,
        "interactive_search": True,
        "rss": True,
    }
    return _form(family, chosen, values, (), has_secret=False)


def form_of(family: Family, row: DownloadClientRow | IndexerRow, mappings: tuple[tuple[str, str], ...]) -> ServiceForm:
    """Return the form of a stored service, without its secret."""
    values: dict[str, Any] = {need.key: _written(need.default) for need in needs_of(family, row.kind)}
    values |= {key: _written(value) for key, value in row.options.items()}
    values |= {"name": row.name, "url": row.url, "priority": str(row.priority), "secret": ""}
    if isinstance(row, IndexerRow):
        values |= {use: getattr(row, use) for use in _USES}
    else:
        values["username"] = row.username or ""
    return _form(family, row.kind, values, mappings, has_secret=row.sealed_secret is not None)


def sent_form(
    family: Family, form: Form[ServiceFields], errors: Mapping[str, str], *, has_secret: bool = False
) -> ServiceForm:
    """Return the form as it was sent, with its errors."""
    draft = form.draft()
    kind = draft.kind
    kinds = dict(kinds_of(family))
    kind = kind if kind in kinds else next(iter(kinds))
    needs = needs_of(family, kind)
    flags = {need.key for need in needs if need.type == "checkbox"} | {*_USES}
    values: dict[str, Any] = {key: value == "true" if key in flags else value for key, value in form.sent.items()}
    values["secret"] = ""
    first = {need.key for need in needs if need.required} | {"name", "username", "secret", "category", ""}
    made = _form(family, kind, values, draft.mappings, has_secret=has_secret)
    return replace(made, errors=dict(errors), open=bool(errors.keys() - first))


def _form(
    family: Family, kind: str, values: Mapping[str, Any], mappings: tuple[tuple[str, str], ...], *, has_secret: bool
) -> ServiceForm:
    action = "/settings/clients/test" if family == "client" else "/settings/indexers/test"
    rows = (*mappings, *((("", ""),) * max(1, _EMPTY_MAPPINGS - len(mappings)))) if family == "client" else ()
    return ServiceForm(
        family=family,
        kinds=kinds_of(family),
        kind=kind,
        needs=needs_of(family, kind),
        values=values,
        test_action=action,
        has_secret=has_secret,
        mappings=rows,
    )


def with_enabled(form: ServiceForm, enabled: bool) -> ServiceForm:
    """Return a form with the state of the service's switch."""
    return replace(form, values={**form.values, "enabled": "true" if enabled else "false"})


def _written(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def try_client(deps: WebDeps, caller: Caller, form: Form[ServiceFields]) -> Iterator[TestResult]:
    """Sign in to the client that a form describes and check its folder; yield the result of each step.

    Raises:
        Forbidden: The caller may not test clients. Raised at once, before the first step.
    """
    try:
        wanted = form.read()
        new = wanted.client()
        with deps.database.reads() as session:
            connection = settings.clients.trial_connection(session, caller, new, client_id=wanted.service_id)
            paths = settings.library_paths.list_library_paths(session, caller)
    except (Invalid, Conflict) as error:
        return iter((_unusable(error),))
    return _client_steps(deps, connection, new.mappings, [path.path for path in paths])


def _client_steps(
    deps: WebDeps, connection: Connection, mappings: tuple[tuple[str, str], ...], library: list[str]
) -> Iterator[TestResult]:
    yield _trying(connection.name, connection.url, "Signing in")
    try:
        report = deps.outside.download_client(connection).test()
    except AdapterError as error:
        yield _failed(error)
        return
    except MydiaError as error:
        yield _unusable(error)
        return
    version = f"Version {report.version.lstrip('v')}"
    reached = (FolderFinding("yes", f"Signed in. {version}"),)
    yield TestResult(
        "live", f"Testing {connection.name}", findings=(*reached, FolderFinding("run", "Looking for its folder"))
    )
    findings = [*reached, *(FolderFinding("warn", note) for note in report.notes)]
    if report.free_bytes is not None:
        findings.append(FolderFinding("yes", f"{units.size(report.free_bytes)} free at the client"))
    save_path = str(connection.options.get("save_path") or report.save_path or "")
    if save_path:
        findings += _folder_findings(deps, save_path, mappings, library)
    tone = "miss" if any(finding.tone != "yes" for finding in findings) else "ok"
    yield TestResult(tone, f"{connection.name} answers: version {report.version.lstrip('v')}", findings=tuple(findings))


def _trying(name: str, url: str, step: str) -> TestResult:
    return TestResult("live", f"Testing {name}", findings=(FolderFinding("run", f"{step} at {url}"),))


def _unusable(error: MydiaError) -> TestResult:
    return TestResult("fail", "Something is missing or wrong", error.message)


def _failed(error: AdapterError) -> TestResult:
    """Return what failed, and what had worked before."""
    findings = () if error.code == "unreachable" else (FolderFinding("yes", "Something answers at this address"),)
    title = _TITLES.get(error.code, "Test failed")
    return TestResult("fail", title, _sentence(error.cause), findings)


def _folder_findings(
    deps: WebDeps, save_path: str, mappings: tuple[tuple[str, str], ...], library: list[str]
) -> list[FolderFinding]:
    local = settings.clients.map_remote_path(mappings, save_path)
    said = f"{save_path}, which is {local} here" if local != save_path else save_path
    if not local.startswith("/") or not deps.outside.files.exists(Path(local)):
        return [
            FolderFinding(
                "warn",
                f"It saves to {said}, and Mydia does not see that folder. Mount it, or add a path mapping below.",
            )
        ]
    findings = [FolderFinding("yes", f"It saves to {said}")]
    for path in library:
        same = deps.outside.files.same_filesystem(Path(local), Path(path))
        findings.append(
            FolderFinding("yes", f"Hard links into {path} will be used")
            if same
            else FolderFinding("warn", f"{path} is on another disk: files will be copied")
        )
    return findings


def try_indexer(deps: WebDeps, caller: Caller, form: Form[ServiceFields]) -> Iterator[TestResult]:
    """Ask the indexer that a form describes for its capabilities and newest releases; yield the result of each step.

    Raises:
        Forbidden: The caller may not test indexers. Raised at once, before the first step.
    """
    try:
        wanted = form.read()
        with deps.database.reads() as session:
            connection = settings.indexers.trial_indexer(
                session, caller, wanted.indexer(), indexer_id=wanted.service_id
            )
    except (Invalid, Conflict) as error:
        return iter((_unusable(error),))
    return _indexer_steps(deps, connection)


def _indexer_steps(deps: WebDeps, connection: Connection) -> Iterator[TestResult]:
    try:
        indexer = deps.outside.indexer(connection)
        yield _trying(connection.name, connection.url, "Reading its capabilities")
        able = indexer.capabilities()
        reached = FolderFinding("yes", f"{able.title or connection.name} answers")
        yield TestResult(
            "live",
            f"Testing {connection.name}",
            findings=(reached, FolderFinding("run", "Fetching its newest releases")),
        )
        newest = indexer.recent(limit=_SAMPLE)
    except AdapterError as error:
        yield _failed(error)
        return
    except MydiaError as error:
        yield _unusable(error)
        return
    findings = [
        reached,
        FolderFinding("yes" if able.movie_search else "warn", "Searches movies by id or title" if able.movie_search else "No movie search; free text is used"),
        FolderFinding("yes" if able.tv_search else "warn", "Searches shows by season and episode" if able.tv_search else "No show search; free text is used"),
    ]  # fmt: skip
    for part in able.parts:
        state = "off there" if not part.enabled else "paused there after failures" if part.disabled_until else "ready"
        tone = "yes" if state == "ready" else "warn"
        findings.append(FolderFinding(tone, f"{part.name} ({part.protocol}): {state}"))
    if newest:
        findings += [FolderFinding("yes", f"Newest: {release.title}") for release in newest[:2]]
    else:
        findings.append(FolderFinding("warn", "It answered, but has no releases in these categories right now"))
    yield TestResult("ok", f"{able.title or connection.name} answers", findings=tuple(findings))


_TITLES = {
    "unreachable": "No answer",
    "refused": "Access denied",
    "limited": "Rate limited",
    "nonsense": "Unexpected answer",
}


def _sentence(cause: str) -> str:
    text = cause[:1].upper() + cause[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."
