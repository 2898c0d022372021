"""Plex's custom metadata provider: `/plex/movie` and `/plex/tv`, with the same metadata as the rest of Mydia.

Source: plexinc's three documents of the provider API (MediaProvider, Metadata, API Endpoints), for Plex 1.43 and later.
"""

from mydia.web.plex.routes import router

ROUTES = (router,)

__all__ = ["ROUTES"]
