"""Everything the web offers, in literal tables: add a line here and it is served."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from mydia.web import api, auth
from mydia.web.health import Look
from mydia.web.live import LiveTopic
from mydia.web.metrics import Source
from mydia.web.pages import account, settings, setup
from mydia.web.palette import Finder
from mydia.web.shell import ShellProvider, empty_shell

ROUTES: tuple[ControllerRouterHandler, ...] = (
    *auth.ROUTES,
    api.ROUTER,
    *setup.ROUTES,
    *settings.ROUTES,
    *account.ROUTES,
)
"""Handlers, routers and controllers of all features; what every application has (assets, health, live …) is `app.CORE`."""

LIVE: tuple[LiveTopic, ...] = ()
"""What pages push, beside `shell`, which `app` adds."""

SHELL: ShellProvider = empty_shell
"""Counts in the navigation, the transfer summary and the banner."""

FINDERS: tuple[Finder, ...] = ()
"""What the command palette finds, beside pages; in this order."""

CHECKS: tuple[tuple[str, Look], ...] = ()
"""What `/ready` looks at, beside `health.CHECKS`."""

METRICS: tuple[Source, ...] = ()
"""What `/metrics` asks, beside traffic, jobs and connections."""
