"""Requests: what people ask for, how it is decided and followed until it is available, and problems they report.

`asking` stores a wish, `deciding` approves or declines it, `fulfilling` adds the title, and `following` brings its state up to date
with the library. `quotas` and `rules` hold what decides without a person, `blocking` the titles that cannot be requested, and `problems` what
people report about titles.
"""

from mydia.contexts.requests import (
    asking,
    blocking,
    catalogue,
    deciding,
    following,
    fulfilling,
    invited,
    listing,
    people,
    problems,
    quotas,
    rules,
)
from mydia.contexts.requests.asking import (
    Asked,
    NothingToRequest,
    NotRequestable,
    Offer,
    OfferState,
    Outcome,
    Wish,
    ask,
    offer,
)
from mydia.contexts.requests.catalogue import WantedTitle, look_up
from mydia.contexts.requests.deciding import Choices, approve, decline, retry, withdraw
from mydia.contexts.requests.listing import RequestLine, RequestQuery, get_request, list_requests
from mydia.contexts.requests.models import QuotaKind, Request, RequestState
from mydia.contexts.requests.quotas import Allowance, QuotaExceeded
from mydia.contexts.requests.rules import Conditions, NewRule

__all__ = [
    "Allowance",
    "Asked",
    "Choices",
    "Conditions",
    "NewRule",
    "NotRequestable",
    "NothingToRequest",
    "Offer",
    "OfferState",
    "Outcome",
    "QuotaExceeded",
    "QuotaKind",
    "Request",
    "RequestLine",
    "RequestQuery",
    "RequestState",
    "WantedTitle",
    "Wish",
    "approve",
    "ask",
    "asking",
    "blocking",
    "catalogue",
    "deciding",
    "decline",
    "following",
    "fulfilling",
    "get_request",
    "invited",
    "list_requests",
    "listing",
    "look_up",
    "offer",
    "people",
    "problems",
    "quotas",
    "retry",
    "rules",
    "withdraw",
]
