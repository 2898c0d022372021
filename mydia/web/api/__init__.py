"""REST v1: schemas and one module per resource. Same contexts, same callers, same permissions as the pages."""

from litestar import Router
from litestar.datastructures import CacheControlHeader

from mydia.web.api import accounts, answers, downloads, library, media, quality, settings, system, upkeep

ROUTER = Router(
    "/api/v1",
    route_handlers=[
        *media.ROUTES,
        *downloads.ROUTES,
        *library.ROUTES,
        *settings.ROUTES,
        *quality.ROUTES,
        *upkeep.ROUTES,
        *system.ROUTES,
        *accounts.ROUTES,
        answers.openapi,
    ],
    # What one may see is not for others, and what one has seen must be asked for again.
    cache_control=CacheControlHeader(private=True, no_cache=True),
    exception_handlers={answers.NotModified: answers.not_modified},
)

__all__ = ["ROUTER"]
