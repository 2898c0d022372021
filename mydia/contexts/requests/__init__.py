"""Requests: titles that users ask for, with requester, supporters and outcome."""

from mydia.contexts.requests.models import Request, RequestFollower, RequestState

__all__ = ["Request", "RequestFollower", "RequestState"]
