"""The handle of a running job, which reports progress and can be cancelled."""

from __future__ import annotations

from typing import Protocol


class Run(Protocol):
    """Passed to long-running functions; in the worker it is backed by the task board."""

    @property
    def id(self) -> str:
        """The run's id on the task board; `-` outside a worker."""

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Report progress. It is written at most twice a second.

        Args:
            total: None if unknown.
            note: The item being processed.
        """

    def cancelled(self) -> bool:
        """Return whether to stop early: a user has cancelled the run, or the worker is shutting down.

        Check it between slices and return. After a shutdown the same run is started again.
        """


class Unwatched:
    """A run without a board, for tests and the command line."""

    id = "-"

    def progress(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """Ignore it."""

    def cancelled(self) -> bool:
        """Return False."""
        return False
