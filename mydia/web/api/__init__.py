"""REST API v1: schemas and one module per resource, with the same contexts and permissions as the pages."""

from litestar import Router
from litestar.datastructures import CacheControlHeader

from mydia.web import bodies
from mydia.web.api import (
    accounts,
    answers,
    audit,
    conventions,
    description,
    downloads,
    edits,
    feeds,
    formats,
    library,
    lists,
    media,
    providers,
    quality,
    requests,
    rules,
    settings,
    system,
    upkeep,
)

ROUTER = Router(
    "/api/v1",
    route_handlers=[
        *media.ROUTES,
        *lists.ROUTES,
        *edits.ROUTES,
        *downloads.ROUTES,
        *feeds.ROUTES,
        *library.ROUTES,
        *settings.ROUTES,
        *quality.ROUTES,
        *formats.ROUTES,
        *rules.ROUTES,
        *requests.ROUTES,
        *upkeep.ROUTES,
        *system.ROUTES,
        *audit.ROUTES,
        *accounts.ROUTES,
        *providers.ROUTES,
        description.openapi,
    ],
    # Responses depend on the caller's permissions, so caches must not share them and must revalidate them.
    cache_control=CacheControlHeader(private=True, no_cache=True),
    middleware=[conventions.Conventions],
    before_request=bodies.refuse_repeats,
    exception_handlers={answers.NotModified: answers.not_modified},
)

__all__ = ["ROUTER"]
