"""Query many indexers concurrently; a slow or failing indexer is part of the result and does not end the search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import msgspec

from mydia import clock, writing
from mydia.adapters.errors import AdapterError, Unreachable
from mydia.adapters.indexers.base import Indexer, IndexerRelease
from mydia.adapters.indexers.pace import counted
from mydia.adapters.kinds import Connection

_LOOK_EVERY_S = 0.25
"""Interval at which a waiting search checks whether it was cancelled."""


class Answered[T](msgspec.Struct, frozen=True, kw_only=True):
    """What one indexer answered: either a result or the error."""

    connection: Connection
    result: T | None
    failure: AdapterError | None
    took_s: float
    requests: int = 0
    """Requests that were sent to it."""


class IndexerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one indexer in a search: either releases or the error."""

    connection: Connection
    releases: tuple[IndexerRelease, ...]
    failure: AdapterError | None
    took_s: float
    requests: int = 0
    """Requests that were sent to it."""


def ask_all[T](
    indexers: Sequence[Indexer],
    ask: Callable[[Indexer], T],
    *,
    deadline_s: float = 60.0,
    workers: int = 8,
) -> list[Answered[T]]:
    """Query every indexer, at most `workers` at a time, and return the results in the given order.

    Args:
        ask: The call for each indexer, such as `lambda indexer: indexer.catch_up(known)`.
        deadline_s: Indexers that have not answered by then count as unreachable; their threads end by their own
            timeouts.
    """
    writing.assert_outside_allowed()  # checked here, because the mark belongs to this thread and not to those of the pool
    if not indexers:
        return []
    started = clock.monotonic_s()
    pool = ThreadPoolExecutor(min(workers, len(indexers)), thread_name_prefix="indexer")
    try:
        futures = [pool.submit(_ask_one, indexer, ask) for indexer in indexers]
        wait(futures, timeout=deadline_s)
        took_s = clock.monotonic_s() - started
        return [_answer(indexer, future, took_s) for indexer, future in zip(indexers, futures, strict=True)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def ask_each(
    indexers: Sequence[Indexer],
    ask: Callable[[Indexer], Sequence[IndexerRelease]],
    *,
    deadline_s: float = 60.0,
    workers: int = 8,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[IndexerAnswer]:
    """Like `ask_all`, but yield each result as it arrives; late indexers come last, as unreachable.

    Args:
        cancelled: Polled a few times a second; ends the iteration without the remaining results.
    """
    writing.assert_outside_allowed()
    if not indexers:
        return
    started = clock.monotonic_s()
    pool = ThreadPoolExecutor(min(workers, len(indexers)), thread_name_prefix="indexer")
    try:
        waiting = {pool.submit(_ask_one, indexer, ask): indexer for indexer in indexers}
        while waiting and not cancelled():
            left_s = started + deadline_s - clock.monotonic_s()
            if left_s <= 0:
                took_s = clock.monotonic_s() - started
                yield from (_found(_answer(indexer, future, took_s)) for future, indexer in waiting.items())
                return
            done, _ = wait(waiting, timeout=min(left_s, _LOOK_EVERY_S), return_when=FIRST_COMPLETED)
            for future in done:
                del waiting[future]
                yield _found(future.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask_one[T](indexer: Indexer, ask: Callable[[Indexer], T]) -> Answered[T]:
    started = clock.monotonic_s()
    result: T | None = None
    failure: AdapterError | None = None
    with counted() as requests:
        try:
            result = ask(indexer)
        except AdapterError as error:
            failure = error
    return Answered(
        connection=indexer.connection,
        result=result,
        failure=failure,
        took_s=clock.monotonic_s() - started,
        requests=requests.count,
    )


def _answer[T](indexer: Indexer, future: Future[Answered[T]], took_s: float) -> Answered[T]:
    if future.done():
        return future.result()
    late = Unreachable(indexer.connection.name, f"no answer within {took_s:.0f} seconds")
    return Answered(connection=indexer.connection, result=None, failure=late, took_s=took_s)


def _found(answer: Answered[Sequence[IndexerRelease]]) -> IndexerAnswer:
    return IndexerAnswer(
        connection=answer.connection,
        releases=tuple(answer.result or ()),
        failure=answer.failure,
        took_s=answer.took_s,
        requests=answer.requests,
    )
