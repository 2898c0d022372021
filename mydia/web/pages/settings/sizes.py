"""Settings: size limits per quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import Response, get, post

from mydia.contexts import settings
from mydia.contexts.settings import (
    SizeLimits,
)
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DepsDep, FormDep, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect


@dataclass(frozen=True, slots=True)
class SizeRow:
    """The limits of one quality."""

    quality: str
    minimum: str
    preferred: str
    maximum: str
    said: str
    """What the most means for two hours or for 45 minutes."""


@dataclass(frozen=True, slots=True)
class SizesView:
    """The page of quality sizes."""

    frame: SettingsFrame
    type: MediaType
    minutes: int
    rows: tuple[SizeRow, ...]
    errors: Mapping[str, str] = field(default_factory=dict)


_MINUTES = {MediaType.MOVIE: 120, MediaType.TV_SHOW: 45}


@get("/settings/sizes", sync_to_thread=True, include_in_schema=False)
def sizes(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show how large a minute of each quality may be."""
    return show(request, "sizes.html", _sizes(deps, caller, _type(request.query_params), {}, {}))


@post("/settings/sizes", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_sizes(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormDep) -> Response[str]:
    """Store the limits, all or none."""
    type_ = _type(form)
    errors: dict[str, str] = {}
    try:
        with deps.database.writes() as session:
            for quality in settings.QUALITY_NAMES:
                if f"{quality}|maximum" in form:
                    try:
                        settings.qualities.change_size_limits(session, caller, type_, quality, _limits(form, quality))
                    except Invalid as error:
                        errors[quality] = error.message
            if errors:
                raise Invalid("Some limits cannot be used.", fields=errors)
    except Invalid as error:
        return show(request, "sizes.html", _sizes(deps, caller, type_, form, errors_of(error)), status=422)
    return redirect(request, f"/settings/sizes?type={type_}", toast=Toast("Saved"))


def _type(told: Mapping[str, str]) -> MediaType:
    return find_member(MediaType, told.get("type")) or MediaType.MOVIE


def _limits(form: Mapping[str, str], quality: str) -> SizeLimits:
    numbers: list[float | None] = []
    for part in ("minimum", "preferred", "maximum"):
        text = form.get(f"{quality}|{part}", "").strip().replace(",", ".")
        try:
            numbers.append(float(text) if text else None)
        except ValueError as error:
            raise Invalid(f"“{text}” is not a number.") from error
    low, best, high = numbers
    return SizeLimits(low or 0, best, high)


def _sizes(
    deps: WebDeps, caller: Caller, type_: MediaType, form: Mapping[str, str], errors: Mapping[str, str]
) -> SizesView:
    around = frame(caller, "sizes")
    minutes = _MINUTES[type_]
    with deps.database.reads() as session:
        limits = settings.qualities.size_limits(session, type_)
    rows = tuple(
        SizeRow(
            quality,
            form.get(f"{quality}|minimum", _trim(limit.minimum)),
            form.get(f"{quality}|preferred", _trim(limit.preferred)),
            form.get(f"{quality}|maximum", _trim(limit.maximum)),
            f"up to {limit.maximum * minutes / 1024:.1f} GB" if limit.maximum else "no limit",
        )
        for quality, limit in reversed(limits.items())
    )
    return SizesView(around, type_, minutes, rows, errors)


def _trim(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


ROUTES: tuple[Any, ...] = (sizes, save_sizes)
