"""Requests: titles that people ask for, with who asked, who else wants them, and what became of them."""

from mydia.contexts.requests.models import Request, RequestFollower, RequestState

__all__ = ["Request", "RequestFollower", "RequestState"]
