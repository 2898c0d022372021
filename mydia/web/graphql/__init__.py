"""GraphQL at `/graphql`, over the same contexts as REST.

The types and most fields are made from the structs and handlers of `web.api` (`shapes`, `fields`, `tables`). Only `routes` and
`incoming` are loaded at start; `engine` imports the rest with the first request.
"""

from mydia.web.graphql.routes import ROUTES

__all__ = ["ROUTES"]
