"""Every route that changes something leaves a trace: an entry of the audit, or for library work an event of the history.

The test follows the code of each handler into the contexts and looks for the events that it can record, so a new route
cannot be forgotten. What leaves no trace on purpose is listed here with the reason.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from mydia.contexts.users import Permission
from mydia.events import EVENTS, Event
from mydia.web.auth import guards
from tests.web.pages.conftest import Server

_AUDITED = {Permission.MANAGE_SETTINGS, Permission.MANAGE_USERS}

_ASKS = "asks something and changes nothing that is used"
_OWN_VIEW = "how the caller's own pages look"
_OWN_FORMS = "what the caller's own forms begin with"
_BOARD = "the task board keeps who started a run"
_BACKUP = "the job records the backup when it is made"
_MANUAL = "the job records each file that it imports"
_ANALYSE = "reads a file again and changes nothing that a person chose"
_UNKNOWN = "hides a download that Mydia does not manage"
_STOPPED = "the edit itself is recorded, with everything that it changed"
_REST = "each mutation is compared with a route of REST by `tests/web/graphql`"
_DRAFT = "reads what may be imported; applying it changes settings"
_RETRY = "asks a service again before its waiting time is over"

WITHOUT_TRACE: dict[str, str] = {
    "POST /api/v1/download-clients/{client_id}/test": _ASKS,
    "POST /api/v1/indexers/{indexer_id}/test": _ASKS,
    "POST /api/v1/naming/preview": _ASKS,
    "POST /api/v1/title-edits/preview": _ASKS,
    "POST /items/{item_id}/files/ask-edit": _ASKS,
    "POST /items/{item_id}/files/ask-remove": _ASKS,
    "POST /items/{item_id}/files/ask-rename": _ASKS,
    "POST /movies/bulk/ask-remove": _ASKS,
    "POST /shows/bulk/ask-remove": _ASKS,
    "POST /movies/bulk/edit": _ASKS,
    "POST /shows/bulk/edit": _ASKS,
    "POST /movies/bulk/preview": _ASKS,
    "POST /shows/bulk/preview": _ASKS,
    "POST /plex/movie/library/metadata/matches": _ASKS,
    "POST /plex/tv/library/metadata/matches": _ASKS,
    "POST /plex/{token}/movie/library/metadata/matches": _ASKS,
    "POST /plex/{token}/tv/library/metadata/matches": _ASKS,
    "POST /settings/browse": _ASKS,
    "POST /settings/clients/test": _ASKS,
    "POST /settings/clients/{service_id}/test": _ASKS,
    "POST /settings/folders/check": _ASKS,
    "POST /settings/indexers/test": _ASKS,
    "POST /settings/indexers/{service_id}/test": _ASKS,
    "POST /settings/metadata/test": _ASKS,
    "POST /settings/naming/preview": _ASKS,
    "POST /settings/profiles/step": _ASKS,
    "POST /settings/profiles/try": _ASKS,
    "POST /settings/profiles/{profile_id}/trial": _ASKS,
    "POST /api/v1/quality-profiles/{profile_id}/trials": _ASKS,
    "POST /settings/sign-in/providers/test": _ASKS,
    "POST /setup/account/provider": _ASKS,
    "POST /api/v1/custom-formats/test": _ASKS,
    "POST /api/v1/guide-imports": _DRAFT,
    "POST /api/v1/guide-imports/{import_id}/preview": _ASKS,
    "POST /settings/formats/import": _DRAFT,
    "POST /settings/formats/import/address": _DRAFT,
    "POST /settings/formats/import/{import_id}": _ASKS,
    "POST /settings/formats/step": _ASKS,
    "POST /settings/formats/test": _ASKS,
    "POST /api/v1/sign-in-providers/{provider_id}/test": _ASKS,
    "POST /graphql": _REST,
    "POST /api/v1/mail/test": _ASKS,
    "POST /settings/mail/test": _ASKS,
    "POST /imports/match": _ASKS,
    "POST /imports/manual": _ASKS,
    "POST /imports/{inbox_id}/search": _ASKS,
    "POST /api/v1/inbox/{entry_id}/candidates": _ASKS,
    "POST /theme": _OWN_VIEW,
    "POST /account/avatar": _OWN_VIEW,
    "POST /account/avatar/remove": _OWN_VIEW,
    "POST /account/defaults": _OWN_FORMS,
    "POST /account/preferences": _OWN_VIEW,
    "POST /movies/columns": _OWN_VIEW,
    "POST /shows/columns": _OWN_VIEW,
    "POST /movies/filters": _OWN_VIEW,
    "POST /shows/filters": _OWN_VIEW,
    "POST /movies/filters/{filter_id}/{action}": _OWN_VIEW,
    "POST /shows/filters/{filter_id}/{action}": _OWN_VIEW,
    "POST /api/v1/saved-filters": _OWN_VIEW,
    "PUT /api/v1/saved-filters/{filter_id}": _OWN_VIEW,
    "DELETE /api/v1/saved-filters/{filter_id}": _OWN_VIEW,
    "POST /setup/dismiss": _OWN_VIEW,
    "POST /system/backups/outcome": _OWN_VIEW,
    "POST /api/v1/tasks/runs/{run_id}/cancel": _BOARD,
    "POST /api/v1/tasks/runs/{run_id}/retry": _BOARD,
    "POST /api/v1/tasks/{name}/run": _BOARD,
    "POST /system/runs/{run_id}/cancel": _BOARD,
    "POST /system/runs/{run_id}/retry": _BOARD,
    "POST /settings/indexers/read-feeds": _BOARD,
    "POST /system/tasks/{name}/run": _BOARD,
    "POST /setup/scan": _BOARD,
    "POST /wanted/search": _BOARD,
    "POST /api/v1/backups": _BACKUP,
    "POST /system/backups": _BACKUP,
    "POST /api/v1/manual-import": _MANUAL,
    "POST /imports/manual/apply": _MANUAL,
    "POST /api/v1/files/{file_id}/analyse": _ANALYSE,
    "POST /items/{item_id}/files/analyse": _ANALYSE,
    "POST /items/{item_id}/files/{file_id}/analyse": _ANALYSE,
    "POST /activity/unknown/{unknown_id}/ignore": _UNKNOWN,
    "DELETE /api/v1/unknown-downloads/{unknown_id}": _UNKNOWN,
    "POST /api/v1/title-edits/{edit_id}/stop": _STOPPED,
    "POST /system/services/{family}/{service_id}/retry": _RETRY,
}
"""`METHOD /address` -> why it leaves no trace."""


def _name(node: ast.expr, names: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        home = _name(node.value, names)
        return getattr(home, node.attr, None) if isinstance(home, ModuleType) else None
    return None


def _locals(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mydia"):
            home = importlib.import_module(str(node.module))
            for alias in node.names:
                yield alias.asname or alias.name, getattr(home, alias.name, None)


def _functions_in(value: Any) -> Iterator[FunctionType]:
    """Yield a function of Mydia, or those of a table."""
    if isinstance(value, dict | tuple | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _functions_in(one)
    elif (
        callable(value)
        and isinstance(found := inspect.unwrap(value), FunctionType)
        and found.__module__.startswith(("mydia.contexts.", "mydia.web."))
    ):
        yield found


@cache
def _nodes(path: str) -> dict[int, ast.AST]:
    """Return the functions of a module by the line that they begin in, with their decorators."""
    found: dict[int, ast.AST] = {}
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[min([node.lineno, *(one.lineno for one in node.decorator_list)])] = node
        elif isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, node)
    return found


@cache
def _calls(function: FunctionType) -> tuple[frozenset[FunctionType], frozenset[type[Event]]]:
    """Return the functions of Mydia that a function mentions, and the events that it makes."""
    tree = _nodes(function.__code__.co_filename)[function.__code__.co_firstlineno]
    names = dict(function.__globals__) | dict(_locals(tree))
    functions: set[FunctionType] = set()
    made: set[type[Event]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            functions |= set(_functions_in(_name(node, names)))
        if isinstance(node, ast.Call):
            kind = _name(node.func, names)
            if isinstance(kind, type) and issubclass(kind, Event):
                made.add(kind)
    return frozenset(functions), frozenset(made)


def _events_of(function: FunctionType) -> set[type[Event]]:
    """Return all events that a function can record, itself or by what it calls."""
    seen: set[FunctionType] = set()
    waiting = [function]
    made: set[type[Event]] = set()
    while waiting:
        following = waiting.pop()
        if following in seen:
            continue
        seen.add(following)
        functions, events = _calls(following)
        waiting += functions
        made |= events
    return made


def _changing(server: Server) -> Iterator[tuple[str, str, FunctionType]]:
    for route in server.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if method not in {"GET", "HEAD", "OPTIONS"}:
                yield method, route.path_format, inspect.unwrap(getattr(handler.fn, "func", handler.fn))


def test_every_route_that_changes_something_leaves_a_trace(still: Server) -> None:
    silent = []
    for method, address, function in _changing(still):
        needed = guards.needs(address, changing=True)
        made = _events_of(function)
        must_audit = not needed or bool(_AUDITED & set(needed))
        if not (any(kind.audit for kind in made) if must_audit else made):
            silent.append(f"{method} {address}")
    unexplained = sorted(set(silent) - set(WITHOUT_TRACE))
    assert not unexplained, "\n".join(unexplained)
    assert not (needless := sorted(set(WITHOUT_TRACE) - set(silent))), f"these leave a trace: {needless}"


def test_every_event_of_the_audit_can_happen(still: Server) -> None:
    """The test above would see nothing if it could not follow the code."""
    reached: set[type[Event]] = set()
    for _, _, function in _changing(still):
        reached |= _events_of(function)
    assert len(reached) > 30
    assert {EVENTS[name] for name in ("UserAdded", "SettingsChanged", "MediaRemoved", "ApiKeyAdded")} <= reached
