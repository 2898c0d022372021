"""Build the web application; `serve` runs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins.core import MsgspecDIPlugin
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute, WebSocketRoute
from litestar.types import ControllerRouterHandler, HTTPScope, Receive, Scope, Send

from mydia import __version__
from mydia.contexts.users import Caller, Permission
from mydia.errors import MydiaError
from mydia.web import assets, errors, health, palette, preferences, security
from mydia.web import live as updates
from mydia.web import metrics as numbers
from mydia.web.assets import Assets
from mydia.web.auth import guards
from mydia.web.deps import PROVIDERS, IncomingRequest, WebDeps
from mydia.web.health import Look
from mydia.web.live import Live, LiveContext, LiveTopic
from mydia.web.metrics import Source, Traffic
from mydia.web.palette import Finder
from mydia.web.render import Renderer
from mydia.web.shell import ShellProvider, empty_shell

if TYPE_CHECKING:
    from litestar._kwargs import KwargsModel

CORE: tuple[ControllerRouterHandler, ...] = (
    assets.static,
    preferences.icon,
    preferences.manifest,
    preferences.show_offline,
    preferences.service_worker,
    preferences.choose_theme,
    health.health,
    health.ready,
    numbers.metrics,
    updates.events_stream,
    palette.palette,
    errors.nowhere,
)
"""The parts of every application; features are in `routes.ROUTES`."""


class _Mapped(Router):
    """Keeps its map of paths and methods up to date. Litestar makes the whole map again for every handler it registers."""

    _methods: dict[str, Any] | None = None

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Register a handler or a router, and add its routes to the map."""
        routes = super().register(value)
        if self._methods is None:
            self._methods = {}
        for route in routes:
            known = self._methods.setdefault(route.path, {})
            if isinstance(route, HTTPRoute):
                known.update({method: one for one in route.route_handlers for method in one.http_methods})
            elif isinstance(route, WebSocketRoute):
                known["websocket"] = route.route_handler
            elif isinstance(route, ASGIRoute):
                known["asgi"] = route.route_handler
        return routes

    @property
    def route_handler_method_map(self) -> dict[str, Any]:
        """Return path -> method, `websocket` or `asgi` -> handler."""
        return self._methods or {}


class _Once(_Mapped):
    """A router that is registered as it is, without a copy.

    Litestar makes a deep copy of a router so that it can be mounted twice. With all our pages, that takes a quarter of the
    start-up time.
    """

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Once:
        return self


class _Unserved(Router):
    """Discards Litestar's own pages about the API: `api.answers` serves the description instead."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Ignore a handler."""
        return []


class _NoOptions(Router):
    """Drops the OPTIONS handler that Litestar adds to every path; `errors.answer` lists the methods of a path instead."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Register everything except handlers for OPTIONS."""
        routes = super().register(value)
        for route in routes:
            if isinstance(route, HTTPRoute):
                route.route_handlers = [one for one in route.route_handlers if one.http_methods != {"OPTIONS"}]
        return routes


class _PreparedOnUse(HTTPRoute):
    """Reads the signatures of its handlers on its first request.

    Litestar does this for every route while the application starts: a quarter of a second and several MB for 400 routes, of
    which a day uses a few dozen.
    """

    __slots__ = ()

    def create_handler_map(self) -> None:
        """List the handlers by method, without a model of their parameters."""
        for handler in self.route_handlers:
            for method in handler.http_methods:
                self.route_handler_map[method] = (handler, cast("KwargsModel", None))

    def prepare(self, app: Litestar) -> None:
        """Read the signatures of the handlers, unless that is done.

        Raises:
            ImproperlyConfiguredException: A handler's signature is wrong.
        """
        if any(model is None for _, model in self.route_handler_map.values()):
            for handler in self.route_handlers:
                handler.on_registration(app)
            self.route_handler_map.clear()
            super().create_handler_map()

    async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # as its base does
        """Serve one request."""
        if self.route_handler_map[scope["method"]][1] is None:
            self.prepare(scope["litestar_app"])
        await super().handle(scope, receive, send)


class WebApp(Litestar, _Mapped, _NoOptions):
    """Litestar behind `security.Edge`, so that every answer passes it."""

    edge: security.Edge

    @staticmethod
    def _get_default_plugins(plugins: list[Any]) -> list[Any]:
        """Leave out the plugins for other validation libraries, which are imported at start wherever one is installed."""
        return [*plugins, MsgspecDIPlugin()]

    def register(self, value: ControllerRouterHandler) -> None:  # type: ignore[override]  # as Litestar does
        """Register a handler or a router like Litestar does, but see `_PreparedOnUse`."""
        for route in super(Litestar, self).register(value):
            if isinstance(route, HTTPRoute):
                route.__class__ = _PreparedOnUse
                route.create_handler_map()
            elif isinstance(route, WebSocketRoute | ASGIRoute):
                route.route_handler.on_registration(self)
            if isinstance(route, WebSocketRoute):
                handler = route.route_handler
                route.handler_parameter_model = handler.create_kwargs_model(path_parameters=route.path_parameters)
            for plugin in self.plugins.receive_route:
                plugin.receive_route(route)
        self.asgi_router.construct_routing_trie()

    def prepare(self) -> None:
        """Read the signatures of all handlers. Needed only to describe or to check the whole application.

        Raises:
            ImproperlyConfiguredException: A handler's signature is wrong.
        """
        for route in self.routes:
            if isinstance(route, _PreparedOnUse):
                route.prepare(self)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        await self.edge(self.answer, scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request without the edge."""
        await super().__call__(scope, receive, send)


def create_app(
    deps: WebDeps,
    *,
    routes: Sequence[ControllerRouterHandler] | None = None,
    live: Iterable[LiveTopic] | None = None,
    shell: ShellProvider | None = None,
    finders: Sequence[Finder] | None = None,
    checks: Sequence[tuple[str, Look]] | None = None,
    metrics: Sequence[Source] | None = None,
    templates: Iterable[Path] = (),
) -> WebApp:
    """Make the application.

    Args:
        routes: Used instead of `routes.ROUTES`, in addition to CORE. The same goes for the other tables. Tests bring their own.
        templates: Additional template folders.
    """
    if None in (routes, live, shell, finders, checks, metrics):
        # This imports every page; tests that bring all tables skip it.
        from mydia.web import routes as tables

        routes = tables.ROUTES if routes is None else routes
        live = tables.LIVE if live is None else live
        shell = shell or tables.SHELL
        finders = tables.FINDERS if finders is None else finders
        checks = tables.CHECKS if checks is None else checks
        metrics = tables.METRICS if metrics is None else metrics
    provider = shell or empty_shell
    renderer = Renderer(Assets(), zone=str(deps.config["jobs.time_zone"]), folders=templates)
    hub = Live([_shell_topic(provider), *(live or ())])
    hub.attach(LiveContext(deps, renderer.render, renderer.environment.globals["ui"]))
    traffic = Traffic()
    # One router around all handlers: registered one by one, a handler that shares its path with another method is wrapped
    # for its thread twice and answers with a coroutine (Litestar 2.25, HTTPRouteHandler.on_registration).
    everything = _Once("/", route_handlers=tuple(_one_path_each(dict.fromkeys((*CORE, *(routes or ()))))))
    app = WebApp(
        [everything],
        state=State(
            {
                "deps": deps,
                "renderer": renderer,
                "live": hub,
                "shell": provider,
                "traffic": traffic,
                "finders": tuple(finders or ()),
                "checks": tuple(checks or ()),
                "metrics": tuple(metrics or ()),
                "closing": [],
            }
        ),
        dependencies=PROVIDERS,
        request_class=IncomingRequest,
        guards=[guards.guard],
        exception_handlers={HTTPException: errors.answer, MydiaError: errors.answer, Exception: errors.answer},
        request_max_body_size=security.BODY_LIMIT_BYTES,
        on_shutdown=[hub.close, _let_go],
        openapi_config=OpenAPIConfig(
            title="Mydia",
            version=__version__,
            openapi_router=_Unserved("/", route_handlers=[]),
            render_plugins=[JsonRenderPlugin()],
        ),
        logging_config=None,
        pdb_on_exception=False,
        debug=False,
    )
    app.edge = security.Edge(deps.config, traffic)
    return app


def _one_path_each(handlers: Iterable[ControllerRouterHandler]) -> Iterator[ControllerRouterHandler]:
    """Give every path a handler of its own: a handler with several paths is wrapped for its thread once per path (see above)."""
    for handler in handlers:
        if isinstance(handler, HTTPRouteHandler) and len(handler.paths) > 1:
            for path in sorted(handler.paths):
                alone = copy(handler)
                alone.paths = {path}
                yield alone
        else:
            yield handler


def _let_go(app: Litestar) -> None:
    """Close what handlers keep open while the application runs."""
    for close in reversed(app.state.closing):
        close()


def _shell_topic(provider: ShellProvider) -> LiveTopic:
    def poll(context: LiveContext, _topic: str, caller: Caller) -> Mapping[str, str]:
        view = provider(context.deps, caller)
        counts = {f"#count-{name}": context.ui.nav_count(name, told) for name, told in view.counts.items()}
        return {
            **counts,
            "#dot-activity": context.ui.tab_dot("activity", view.counts.get("activity")),
            "#dot-more": context.ui.tab_dot("more", view.counts.get("requests")),
            "#nav-activity": context.ui.transfers(view.transfers),
            "#banner": context.ui.banner(view.banner),
        }

    return LiveTopic("shell", Permission.BROWSE, poll=poll)
