"""One address, two shapes: a whole page for a browser, the part that changes for HTMX.

A page template begins with `{% extends layout %}` and fills the blocks `title`, `main` and, if needed, `heading`,
`topactions` and `palette`. `layout` is chosen here: the whole shell, a navigation within it, or only the fragment. Every
template has `view`, `ui` (all component macros), `viewer` (who is signed in, or None), `theme`, `csrf`, `shell` and the
filters below.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Stream
from markupsafe import Markup

from mydia import __version__, clock, units
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.languages import language_name
from mydia.units import plural as plural  # noqa: PLC0414  for pages, which take their filters from here
from mydia.vocabulary import MediaType
from mydia.web import looks, security, views
from mydia.web.assets import Assets
from mydia.web.deps import WebRequest, deps_of, known_caller, position_of
from mydia.web.looks import Looks
from mydia.web.markup import Layout
from mydia.web.shell import NAV, TABS, ShellProvider, ShellView, initials, navigation

TEMPLATES = Path(__file__).parent / "templates"
ThemeName = Literal["system", "mydia-dark", "mydia-light"]
THEMES: tuple[str, ...] = get_args(ThemeName)
_FLASH = "flash"
_TONES = ("ok", "live", "miss", "fail")
_ADDRESS = (
    "/?#[]@!$&'()*+,;=:%~"  # characters with a meaning in an address (RFC 3986, 2.2), and `%` of what is quoted already
)
_MAIN = "main#main"  # what htmx 4 sends in HX-Target for the element that navigation replaces
_VARY = "HX-Request, HX-Target, HX-Request-Type, HX-Reread, Cookie"


class Theme(msgspec.Struct, frozen=True):
    """The theme that was chosen."""

    choice: str
    """One of THEMES."""

    @property
    def name(self) -> str:
        """The first value of `data-theme`; the script in the head corrects it if the system prefers light."""
        return "mydia-light" if self.choice == "mydia-light" else "mydia-dark"

    @property
    def follows_system(self) -> bool:
        """Whether the system's setting decides."""
        return self.choice == "system"


@dataclass(frozen=True, slots=True)
class Toast:
    """A short message about what the user just did."""

    title: str
    text: str = ""
    _: KW_ONLY
    tone: str = "ok"
    """`ok`, `live`, `miss` or `fail`; a failure stays until it is closed."""
    action_label: str = ""
    action_href: str = ""
    """Where the action goes by GET, or posts to when `action_posts`."""
    action_posts: bool = False


_REMEMBERED = frozenset({"pcard"})
"""Macros that depend only on their arguments and are rendered very often: a page of films consists mostly of them."""
_REMEMBERED_CARDS = 1_200  # ten chunks of the grid, about two megabytes


def _remembering(macro: Callable[..., Any]) -> Callable[..., Any]:
    known = lru_cache(_REMEMBERED_CARDS)(macro)

    def draw(*arguments: Any, **named: Any) -> Any:
        # A call block refers to its page, which must not be cached.
        return macro(*arguments, **named) if "caller" in named else known(*arguments, **named)

    return draw


class Components:
    """All macros of `templates/components`, compiled when first used: `ui.chip(…)`."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._modules = iter(sorted((TEMPLATES / "components").glob("*.html")))
        self._loading = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        # The first pages are requested in parallel; a macro that one thread is still compiling is not missing for the others.
        with self._loading:
            while name not in self.__dict__ and (path := next(self._modules, None)) is not None:
                module = self._environment.get_template(f"components/{path.name}").module
                for macro, value in vars(module).items():
                    if callable(value) and not macro.startswith("_"):
                        known = _remembering(value) if macro in _REMEMBERED else value
                        self.__dict__.setdefault(macro, known)
            if name in self.__dict__:
                return self.__dict__[name]
        msg = f"there is no component “{name}”"
        raise AttributeError(msg)


class Renderer:
    """The template environment of one application.

    Args:
        zone: Time zone of dates on pages, e.g. `Europe/Vienna`.
        folders: Additional template folders, searched first; tests bring their own.
    """

    def __init__(self, assets: Assets, *, zone: str = "UTC", folders: Iterable[Path] = ()) -> None:
        self.assets = assets
        try:
            self.zone: ZoneInfo = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self.zone = ZoneInfo("UTC")
        self.environment = Environment(
            loader=FileSystemLoader([*folders, TEMPLATES]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=[Layout],
        )
        self.environment.filters |= {
            "size": units.size,
            "speed": units.speed,
            "duration": units.duration,
            "count": count,
            "moment": self.moment,
            "day": self.day,
            "tojson_attr": _json_attribute,
            "initials": initials,
            "plural": units.plural,
            "language": language_name,
            "ago": lambda at: ago(at, clock.now(), self.looks),
        }
        self.environment.globals |= {
            "ui": Components(self.environment),
            "asset": assets.href,
            "icon_href": assets.icon,
            "now": clock.now,
            "new_id": clock.new_id,
            "navigation": navigation,
            "NAV": NAV,
            "MediaType": MediaType,
            "TABS": TABS,
            "version": __version__,
            "query": query,
            "STATES": views.STATES,
            "TIERS": views.TIERS,
            "tile_color": views.tile_color,
        }

    def render(self, template: str, /, **context: Any) -> str:
        """Return a template's text. Without `looks`, dates look as around the call: a live update sets them for its listeners."""
        given = looks.CURRENT.set(context.get("looks") or looks.CURRENT.get())
        try:
            return self.environment.get_template(template).render(context)
        finally:
            looks.CURRENT.reset(given)

    @property
    def looks(self) -> Looks:
        """How dates look on the page that is being rendered."""
        return looks.CURRENT.get() or Looks(zone=self.zone)

    def moment(self, at: datetime | None) -> str:
        """Format an instant: `21 Nov 2026, 15:36`."""
        return "" if at is None else self.looks.moment(at)

    def day(self, on: date | datetime | None) -> str:
        """Format a date: `21 Nov 2026`."""
        return "" if on is None else self.looks.day(on)


def count(number: int | None) -> str:
    """Format a count with separators: `1,204`."""
    return "" if number is None else f"{number:,}"


def ago(at: datetime, now: datetime, looks: Looks) -> str:
    """Format the distance from now, up to a week; beyond that, the date: `2 h ago`."""
    seconds = (now - at).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return "just now" if seconds >= 0 else "in a moment"
    if distance < 3600:
        said = f"{max(1, round(distance / 60))} min"
    elif distance < 86400:
        said = f"{round(distance / 3600)} h"
    elif distance < 7 * 86400:
        said = units.plural(round(distance / 86400), "day")
    else:
        return looks.day(at) if at.year != now.year else looks.short_day(at)
    return f"{said} ago" if seconds >= 0 else f"in {said}"


def query(values: Mapping[str, Any] | Any, **changes: Any) -> str:
    """Return a query string with some parameters changed; None and `""` remove one. Begins with `?`."""
    given = dict(values) | changes
    said = urlencode([(key, value) for key, value in given.items() if value not in (None, "")], doseq=True)
    return f"?{said}" if said else "?"


def _json_attribute(value: Any) -> Markup:
    """Return JSON that is safe in a single-quoted attribute."""
    text = json.dumps(value, default=msgspec.to_builtins)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("'", "\\u0027"))  # noqa: S704


def is_htmx(request: WebRequest) -> bool:
    """Return whether HTMX requests a part of the page. A restored history entry needs all of it."""
    headers = request.headers
    return (
        headers.get("hx-request") == "true"
        and headers.get("hx-history-restore-request") != "true"
        and headers.get("hx-request-type") != "full"
    )


def is_navigation(request: WebRequest) -> bool:
    """Return whether HTMX replaces all of `#main`: a link was followed."""
    return is_htmx(request) and (request.headers.get("hx-target") == _MAIN or "hx-boosted" in request.headers)


def renderer_of(request: WebRequest) -> Renderer:
    """Return the application's renderer."""
    renderer: Renderer = request.app.state.renderer
    return renderer


def theme_of(request: WebRequest) -> Theme:
    """Return the theme chosen in this browser; the system's until one is chosen."""
    choice = request.cookies.get("theme", "")
    return Theme(choice if choice in THEMES else "system")


def looks_of(request: WebRequest) -> Looks:
    """Return how dates, times and spacing look for the signed-in person."""
    zone = renderer_of(request).zone
    return looks.looks_from(request.scope["state"].get("preferences") or {}, zone)


def page(
    request: WebRequest,
    template: str,
    view: object = None,
    *,
    active: str = "",
    topics: Iterable[str] = (),
    status: int = 200,
    shell: bool = True,
    headers: Mapping[str, str] | None = None,
    toast: Toast | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response[str]:
    """Answer with a page.

    Args:
        template: Path below `templates/`, e.g. `movies/list/page.html`.
        view: A frozen struct; `view` in the template.
        active: The navigation entry that is current, an id of `shell.NAV`.
        topics: Live topics of the page, in addition to `shell`.
        shell: False for pages without it (login, setup).
        toast: Shown with the page.
        more: Additional names for the template.
    """
    caller = known_caller(request)
    whole = not is_htmx(request)
    moving = is_navigation(request)
    if caller is None:
        shell = False
    reread = request.headers.get("hx-reread") == "true"
    # A list that fetches itself again at the same moment would show the message a second time.
    flash = _read_flash(request) if (whole or moving) and not reread else []
    context = _context(request) | {
        "view": view,
        "active": active,
        "topics": _audible(request, caller, {"shell", *topics}),
        "toasts": flash + ([toast] if toast else []),
        **(more or {}),
    }
    if not shell:
        layout = "layouts/bare.html" if whole else "layouts/fragment.html"
    elif whole or moving:
        layout = "layouts/base.html" if whole else "layouts/navigation.html"
        # Without counts the navigation stays as it is: empty counts would be shown until one of them changes.
        context |= {"shell": _shell(request, status), "counted": status < 400, "live": position_of(request)}
        # A page that fetches itself again keeps its stream, which sends newer counts than this answer.
        context["moved"] = not reread
    else:
        layout = "layouts/fragment.html"
    response = _html(renderer_of(request).render(template, layout=layout, **context), status, headers)
    if flash:
        response.delete_cookie(_FLASH)
    if toast and not (whole or moving):
        add_toast(response, toast)
    return response


def _audible(request: WebRequest, caller: Caller | None, topics: set[str]) -> list[str]:
    """Return the topics that the caller may listen to: a stream that requests others is refused."""
    hub = request.app.state.live
    known = ((name, hub.topic(name)) for name in sorted(topics))
    return [name for name, topic in known if topic is not None and caller is not None and topic.allows(caller, name)]


def dialog(
    request: WebRequest,
    template: str,
    view: object,
    *,
    title: str,
    active: str = "",
    back: str = "",
    status: int = 200,
    topics: Iterable[str] = (),
    **context: Any,
) -> Response[str]:
    """Answer with the content of `#dialog`; a browser without script gets it as a page of its own.

    Args:
        title: The title of that page.
        back: The address of that page's link back, since it cannot be closed.
        context: Additional names for the template.
    """
    if is_htmx(request) and not is_navigation(request):
        return fragment(request, template, view, status=status, **context)
    more = {**context, "dialog_template": template, "dialog_title": title, "dialog_back": back}
    return page(request, "layouts/dialog_page.html", view, active=active, status=status, topics=topics, more=more)


def fragment(
    request: WebRequest,
    template: str,
    view: object = None,
    *,
    status: int = 200,
    toast: Toast | None = None,
    trigger: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """Answer with a part of a page.

    Args:
        trigger: DOM events to dispatch when the answer arrives, name -> detail.
        context: Additional names for the template.
    """
    text = renderer_of(request).render(template, **(_context(request) | {"view": view} | context))
    response = _html(text, status, headers)
    if trigger:
        _add_trigger(response, trigger)
    return add_toast(response, toast) if toast else response


def invalid_form(
    request: WebRequest, template: str, view: object, error: Invalid, *, title: str, back: str = "", **context: Any
) -> Response[str]:
    """Answer 422 with the same dialog; `errors` maps field -> sentence, and `""` is the form as a whole.

    Args:
        title, back: As for `dialog`.
    """
    errors = dict(error.fields) or {"": error.message}
    return dialog(request, template, view, title=title, back=back, status=422, errors=errors, **context)


def unfolding(
    request: WebRequest, template: str, views: Iterator[object], *, title: str, active: str = "", back: str = ""
) -> Response[str] | Stream:
    """Answer with a part of a page that is updated while the user watches: each view replaces the one before.

    The button that sends the request has `hx-swap="outerMorph"`, since its target is filled several times.

    Args:
        views: Created one by one while the answer is sent; the last one is the result.
        title, active, back: As for `dialog`. A browser without script waits for the last view.
    """
    if not is_htmx(request):
        *_, last = views
        return dialog(request, template, last, title=title, active=active, back=back)
    context = _context(request)
    renderer = renderer_of(request)

    def told() -> Iterator[str]:
        for view in views:
            text = renderer.render(template, **(context | {"view": view}))
            yield "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"

    return Stream(
        told(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def nothing(*, toast: Toast | None = None, trigger: Mapping[str, object] | None = None) -> Response[str]:
    """Answer 204: the action is done, and the answer itself changes nothing on the page."""
    response = Response("", status_code=204, media_type="text/html")
    if trigger:
        _add_trigger(response, trigger)
    return add_toast(response, toast) if toast else response


def redirect(request: WebRequest, path: str, *, toast: Toast | None = None, whole: bool = False) -> Response[str]:
    """Redirect the browser after a change, with or without JavaScript.

    Args:
        path: A path on this server, beginning with `/`.
        whole: Load it as a new document: after signing in or out, when the shell itself changes.
    """
    # Headers are ASCII; what is quoted already stays as it is.
    path = quote(local_path(path), safe=_ADDRESS)
    response: Response[str]
    if is_htmx(request) and whole:
        response = Response("", status_code=200, headers={"HX-Redirect": path})
    elif is_htmx(request) and not is_navigation(request):
        place = {"path": path, "target": "#main", "swap": "innerHTML", "headers": {"HX-Target": _MAIN}}
        response = Response("", status_code=200, headers={"HX-Location": json.dumps(place)})
    else:
        response = Response("", status_code=303, headers={"Location": path})
    if toast:
        _set_flash(request, response, toast)
    return response


def local_path(path: str | None, default: str = "/") -> str:
    """Return the path if it is on this server, else the default: `next=` must not lead to another site."""
    if (
        not path
        or not path.startswith("/")
        or path.startswith(("//", "/\\"))
        or any(ord(letter) < 32 for letter in path)
    ):
        return default
    return path


def add_toast(response: Response[str], toast: Toast) -> Response[str]:
    """Show a toast when HTMX receives this answer."""
    return _add_trigger(response, {"toast": asdict(toast)})


def _add_trigger(response: Response[str], trigger: Mapping[str, object]) -> Response[str]:
    already = json.loads(response.headers.get("HX-Trigger") or "{}")
    response.headers["HX-Trigger"] = json.dumps(already | dict(trigger))
    return response


def _html(text: str, status: int, headers: Mapping[str, str] | None) -> Response[str]:
    return Response(
        text,
        status_code=status,
        media_type="text/html",
        headers={"Vary": _VARY, "Cache-Control": "private, no-cache", **(headers or {})},
    )


def _context(request: WebRequest) -> dict[str, Any]:
    return {
        "viewer": known_caller(request),
        "theme": theme_of(request),
        "looks": looks_of(request),
        "avatar_url": request.scope["state"].get("avatar_url"),
        "csrf": security.csrf_token(request),
        "path": request.url.path,
        "errors": {},
    }


def _shell(request: WebRequest, status: int) -> ShellView:
    # An error page must not fail again while it is rendered, so it has no counts.
    caller = known_caller(request)
    provider: ShellProvider = request.app.state.shell
    return ShellView() if caller is None or status >= 400 else provider(deps_of(request), caller)


def _set_flash(request: WebRequest, response: Response[str], toast: Toast) -> None:
    packed = base64.urlsafe_b64encode(json.dumps(asdict(toast)).encode()).decode().rstrip("=")
    response.set_cookie(
        Cookie(
            key=_FLASH,
            value=packed,
            max_age=30,
            httponly=True,
            samesite="lax",
            secure=deps_of(request).config.https,
            path="/",
        )
    )


def _read_flash(request: WebRequest) -> list[Toast]:
    packed = request.cookies.get(_FLASH)
    if not packed:
        return []
    try:
        toast = msgspec.json.decode(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), type=Toast)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return []
    # The cookie comes from the browser, and another site on this host may have written it.
    sound = toast.tone in _TONES and (not toast.action_href or local_path(toast.action_href) == toast.action_href)
    return [toast] if sound else []
