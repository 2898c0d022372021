"""Contexts are the one authority on permissions: the web passes the caller on and checks nothing itself."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "mydia" / "web"

CHECKS = {
    "live.py": "A live topic is rendered once for all its listeners, so joining it is checked here.",
    "relay.py": "The relay knows no callers; its crash reports are shown to administrators.",
}
"""Modules of the web that check a permission themselves -> why no context can."""

WITHOUT_CALLER = {
    "mydia.contexts.metadata.search": ("available", "sources"),  # which sources are set up, not what they say
    "mydia.contexts.notifications.mail": (
        "can_send_links",
        "can_send_resets",
        "server_of",
    ),  # what the sign-in page offers
    "mydia.contexts.settings.current": ("public_address", "sealer"),  # links, and the cookie of a sign-in
    "mydia.contexts.settings.providers": (
        "enabled_providers",
        "find_provider",
        "find_provider_by_id",
        "provider_names",
    ),  # what people sign in with
    "mydia.contexts.users.accounts": ("add_first_admin", "has_users"),  # before there is any account
    "mydia.contexts.users.api_keys": ("caller_for_key", "touch_api_key"),  # finds out who is calling
    "mydia.contexts.users.factors": (
        "find_passkey",
        "has_passkeys",
        "needs_second_factor",
        "use_passkey",
        "verify_code",
    ),  # finds out who is calling
    "mydia.contexts.users.identities": ("admit", "spend"),  # the same
    "mydia.contexts.requests.invited": ("accept", "accept_asserted"),  # the same
    "mydia.contexts.users.invitations": ("find_open",),  # the same
    "mydia.contexts.users.resets": ("find_user_of_token", "request_by_mail", "set_password_by_token"),  # the same
    "mydia.contexts.users.sign_in": (
        "authenticate",
        "close_session",
        "find_session",
        "find_waiting",
        "open_session",
        "open_waiting",
        "sign_out",
        "touch_session",
    ),  # the same
    "mydia.events.log": ("last_id", "since"),  # the live stream passes events on to topics
    "mydia.events.outbox": ("data_version",),  # the same
    "mydia.contexts.users.kept_answers": ("begin", "forget", "keep"),  # after the guard; found by the credential's hash
}
"""Functions that requests reach and that take no caller."""

_REACHES = {"session", "database", "outside"}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(WEB.rglob("*.py")):
        yield path.relative_to(WEB).as_posix(), ast.parse(path.read_text())


def imported(tree: ast.Module) -> dict[str, Any]:
    """Return what a module imports from Mydia, by its name there."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mydia":
            home = importlib.import_module(str(node.module))
            for alias in node.names:
                value = getattr(home, alias.name, None)
                if value is None:
                    value = importlib.import_module(f"{node.module}.{alias.name}")
                found[alias.asname or alias.name] = value
    return found


def meant(node: ast.expr, names: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        home = meant(node.value, names)
        return getattr(home, node.attr, None) if isinstance(home, ModuleType) else None
    return None


def used_functions() -> Iterator[tuple[str, FunctionType]]:
    """Yield (place, function) for every use of a function of a context, or of the log of events, in the web."""
    for name, tree in sources():
        names = imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute):
                function = meant(node, names)
                if isinstance(function, FunctionType) and function.__module__.startswith(
                    ("mydia.contexts.", "mydia.events.")
                ):
                    yield f"{name}:{node.lineno}", inspect.unwrap(function)


def test_the_web_checks_no_permission() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("require", "require_at_least") and name not in CHECKS
    ]
    assert found == []


def test_every_function_that_a_request_reaches_takes_the_caller() -> None:
    functions = list(used_functions())
    assert len({function.__qualname__ for _, function in functions}) > 100
    found = []
    for place, function in functions:
        parameters = inspect.signature(function).parameters
        known = WITHOUT_CALLER.get(function.__module__, ())
        if _REACHES & set(parameters) and "caller" not in parameters and function.__name__ not in known:
            found.append(f"{place} uses {function.__module__}.{function.__name__}, which takes no caller")
    assert found == []


def test_every_exception_is_still_needed() -> None:
    used = {(function.__module__, function.__name__) for _, function in used_functions()}
    stale = [
        f"{module}.{name}" for module, names in WITHOUT_CALLER.items() for name in names if (module, name) not in used
    ]
    assert stale == []
    assert all((WEB / name).exists() and ".require(" in (WEB / name).read_text() for name in CHECKS)
