"""Settings: size limits per quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from msgspec import Struct

from mydia.contexts import settings
from mydia.contexts.settings import (
    SizeLimits,
)
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect


class LimitFields(Struct, kw_only=True):
    """The limits of one quality, in MB per minute."""

    minimum: float | None = None
    preferred: float | None = None
    maximum: float | None = None


class SizesFields(Struct, kw_only=True):
    """The form of the size limits, by quality."""

    type: MediaType = MediaType.MOVIE
    limits: dict[str, LimitFields] = {}


class SizeRow(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one quality."""

    quality: str
    minimum: str
    preferred: str
    maximum: str
    said: str
    """The maximum for two hours or 45 minutes, in words."""


class SizesView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of quality sizes."""

    frame: SettingsFrame
    type: MediaType
    minutes: int
    rows: tuple[SizeRow, ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_MINUTES = {MediaType.MOVIE: 120, MediaType.TV_SHOW: 45}


@get("/settings/sizes", sync_to_thread=True, include_in_schema=False)
def sizes(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SizesFields]) -> Response[str]:
    """Show the size limits of each quality."""
    return show(request, "sizes.html", _sizes(deps, caller, form.draft().type, {}, {}))


@post("/settings/sizes", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_sizes(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SizesFields]) -> Response[str]:
    """Store the limits, all or none."""
    try:
        wanted = form.read()
        _store(deps, caller, wanted)
    except Invalid as error:
        errors = {name.partition("-")[2]: sentence for name, sentence in errors_of(error).items()}
        return show(request, "sizes.html", _sizes(deps, caller, form.draft().type, form.sent, errors), status=422)
    return redirect(request, f"/settings/sizes?type={wanted.type}", toast=Toast("Saved"))


def _store(deps: WebDeps, caller: Caller, wanted: SizesFields) -> None:
    """Store the limits.

    Raises:
        Invalid: Some cannot be used; all of them are named.
    """
    errors: dict[str, str] = {}
    with deps.database.writes() as session:
        for quality, sent in wanted.limits.items():
            limits = SizeLimits(sent.minimum or 0, sent.preferred, sent.maximum)
            try:
                settings.qualities.change_size_limits(session, caller, wanted.type, quality, limits)
            except Invalid as error:
                errors[f"limits-{quality}"] = error.message
        if errors:
            raise Invalid("Some limits are not valid.", fields=errors)


def _sizes(
    deps: WebDeps, caller: Caller, type_: MediaType, sent: Mapping[str, str], errors: Mapping[str, str]
) -> SizesView:
    around = frame(caller, "sizes")
    minutes = _MINUTES[type_]
    with deps.database.reads() as session:
        limits = settings.qualities.size_limits(session, caller, type_)
    rows = tuple(
        SizeRow(
            quality=quality,
            minimum=sent.get(f"minimum-{quality}", _trim(limit.minimum)),
            preferred=sent.get(f"preferred-{quality}", _trim(limit.preferred)),
            maximum=sent.get(f"maximum-{quality}", _trim(limit.maximum)),
            said=f"up to {limit.maximum * minutes / 1024:.1f} GB" if limit.maximum else "no limit",
        )
        for quality, limit in reversed(limits.items())
    )
    return SizesView(frame=around, type=type_, minutes=minutes, rows=rows, errors=errors)


def _trim(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


ROUTES: tuple[Any, ...] = (sizes, save_sizes)
