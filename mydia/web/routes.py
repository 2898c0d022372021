"""Everything that the web application serves, in tables: add a line to serve something new."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from mydia.web import api, auth, graphql, live_topics, palette_finders, plex, shell_view
from mydia.web.health import Look
from mydia.web.live import LiveTopic
from mydia.web.metadata_check import look_at_metadata
from mydia.web.metrics import Source
from mydia.web.pages import account, activity, library, requests, settings, setup, system
from mydia.web.palette import Finder
from mydia.web.shell import ShellProvider

ROUTES: tuple[ControllerRouterHandler, ...] = (
    *auth.ROUTES,
    api.ROUTER,
    *graphql.ROUTES,
    *setup.ROUTES,
    *settings.ROUTES,
    *account.ROUTES,
    *library.ROUTES,
    *activity.ROUTES,
    *requests.ROUTES,
    *system.ROUTES,
    *plex.ROUTES,
)
"""Handlers, routers and controllers of all features; `app.CORE` has the parts of every application (assets, health, live …)."""

LIVE: tuple[LiveTopic, ...] = live_topics.LIVE
"""The live topics of pages; `app` adds `shell`."""

SHELL: ShellProvider = shell_view.shell_view
"""Counts in the navigation, the transfer summary and the banner."""

FINDERS: tuple[Finder, ...] = palette_finders.FINDERS
"""What the command palette finds in addition to pages, in this order."""

CHECKS: tuple[tuple[str, Look], ...] = (("metadata", look_at_metadata),)
"""The checks of `/ready`, in addition to `health.CHECKS`."""

METRICS: tuple[Source, ...] = ()
"""The metrics of `/metrics`, in addition to traffic, jobs and connections."""
