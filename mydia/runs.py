"""The handle of a running piece of work: it reports progress and learns that it has been cancelled."""

from __future__ import annotations

from typing import Protocol


class Run(Protocol):
    """What long functions take; the worker backs it with the task board."""

    @property
    def id(self) -> str:
        """The run's id on the task board; `-` outside a worker."""

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Report progress. Cheap: written at most twice a second.

        Args:
            total: None when unknown.
            note: What is being worked on.
        """

    def cancelled(self) -> bool:
        """Return whether to stop early: a user has cancelled the run, or the worker is shutting down.

        Check it between slices and return. After a shutdown the same run is started again.
        """


class Unwatched:
    """A run without a board, for calls from tests and the command line."""

    id = "-"

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Ignore it."""

    def cancelled(self) -> bool:
        """Return False."""
        return False
