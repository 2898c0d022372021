"""Everything the web offers, in literal tables: add a line here and it is served."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from mydia.web import assets, auth, errors, health, live, metrics, palette, preferences
from mydia.web.health import Look
from mydia.web.live import LiveTopic
from mydia.web.metrics import Source
from mydia.web.pages import setup
from mydia.web.palette import Finder
from mydia.web.shell import ShellProvider, empty_shell

ROUTES: tuple[ControllerRouterHandler, ...] = (
    assets.static,
    preferences.icon,
    preferences.manifest,
    preferences.choose_theme,
    health.health,
    health.ready,
    metrics.metrics,
    live.events_stream,
    palette.palette,
    *auth.ROUTES,
    *setup.ROUTES,
    errors.nowhere,
)
"""Handlers, routers and controllers of all features."""

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
