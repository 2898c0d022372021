"""The parent process of `mydia serve`: starts web and worker, restarts either when it dies, and stops both when it ends."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mydia import clock

logger = logging.getLogger(__name__)

EXIT_MISCONFIGURED = 2
"""Exit code of a child that must not be restarted: the command line's code for an invalid configuration."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_HEALTHY_AFTER_S = 20.0
"""A child that has run this long is healthy, and its next restart uses the shortest delay again."""
_KILLED = 128
"""Exit codes from here on stand for a signal."""
_STOP_WITHIN_S = 8.0
"""Docker kills a container 10 s after asking it to stop."""
# SIGHUP: the terminal was closed.
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_READY = signal.SIGUSR1
_RESTART = signal.SIGUSR2
_WATCHED = (signal.SIGCHLD, _READY, _RESTART, *_STOPS)
_PR_SET_PDEATHSIG = 1  # Source: linux/prctl.h


@dataclass(slots=True, kw_only=True)
class Child:
    """A process to keep alive."""

    name: str
    argv: Sequence[str]
    vital: bool = False
    """Whether everything stops with its exit code if it fails before it was healthy."""
    environ: Mapping[str, str] | None = None
    """Its whole environment; None passes on the parent's."""
    waits_s: float = 0.0
    """Delay of its first start, unless another child calls `tell_ready` earlier."""


@dataclass(slots=True, kw_only=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    was_healthy: bool = field(default=False)

    def lived_s(self) -> float:
        return clock.monotonic_s() - self.started_at


def sparing(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that limits glibc's memory arenas; by default it keeps up to eight per processor."""
    return {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072", **environ}


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Let the kernel send this process a signal when its parent dies. Linux only; a no-op elsewhere."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    except (OSError, AttributeError):
        return


def tell_ready() -> None:
    """Signal the parent that this child has started, so that delayed children can start; only for children of `run`."""
    os.kill(os.getppid(), _READY)


def request_restart() -> None:
    """Ask the parent to stop all children, run what belongs between, and start them again; only for children of `run`."""
    os.kill(os.getppid(), _RESTART)


def run_once(child: Child) -> int:
    """Run a child, wait for it, and return its exit code, 128 + n after signal n. SIGTERM and SIGINT are passed on.

    Use it for one-off work that needs much memory, such as a migration, because this process lives as long as Mydia.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        return _finish(_Running(child=child))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)


def _finish(one: _Running) -> int:
    """Start a child and wait for its end, with the signals blocked."""
    _start(one)
    while True:
        got = signal.sigwaitinfo(_WATCHED).si_signo
        if got in _STOPS:
            _tell([one], signal.Signals(got))
        for _, code in _reap([one]):
            return code if code >= 0 else 128 - code


def run(children: Sequence[Child], *, between: Child | None = None, stop_within_s: float = _STOP_WITHIN_S) -> int:
    """Keep the children alive until asked to stop, and return the exit code.

    When a child calls `request_restart`, all of them are stopped, `between` is run, and all start again.

    SIGTERM, SIGINT and SIGHUP stop all children in order. The code is 0 after such a stop, otherwise that of a vital
    child that never became healthy, or of a misconfigured child.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    now_s = clock.monotonic_s()
    running = [_Running(child=child, start_at=now_s + child.waits_s if child.waits_s else 0.0) for child in children]
    try:
        while (code := _watch(running)) is None:
            logger.info("restarting")
            _stop(running, stop_within_s)
            if between is not None and (ended := _finish(_Running(child=between))) >= _KILLED:
                return ended  # somebody stopped it: do not start again
            for one in running:
                one.started_at, one.start_at, one.pause_s = 0.0, 0.0, _FIRST_PAUSE_S
        return code
    finally:
        _stop(running, stop_within_s)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)


def _watch(running: Sequence[_Running]) -> int | None:
    """Return the exit code, or None when a restart was requested."""
    while True:
        for one in running:
            if one.process is None and one.start_at <= clock.monotonic_s():
                _start(one)
        wakes = [one.start_at for one in running if one.process is None]
        timeout_s = max(0.0, min(wakes) - clock.monotonic_s()) if wakes else 3600.0
        got = signal.sigtimedwait(_WATCHED, timeout_s)
        if got is not None and got.si_signo in _STOPS:
            logger.info("stopping", extra={"signal": signal.Signals(got.si_signo).name})
            return 0
        if got is not None and got.si_signo == _RESTART:
            return None
        if got is not None and got.si_signo == _READY:
            for one in running:
                if one.process is None and not one.started_at:
                    one.start_at = 0.0
        for one, code in _reap(running):
            if (final := _after_death(one, code)) is not None:
                return final


def _start(one: _Running) -> None:
    parent = os.getpid()

    def in_child() -> None:
        die_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        if os.getppid() != parent:
            # The parent died between fork and prctl, so no signal will come.
            os._exit(1)

    # Its own process group, so that Ctrl+C only reaches the parent, which signals the children once.
    one.process = subprocess.Popen(
        list(one.child.argv),
        preexec_fn=in_child,  # noqa: PLW1509  this process has one thread, so nothing can be locked in the fork
        process_group=0,
        env=one.child.environ,
    )
    one.started_at = clock.monotonic_s()
    logger.info("started", extra={"child": one.child.name, "child_pid": one.process.pid})


def _reap(running: Sequence[_Running]) -> list[tuple[_Running, int]]:
    """Reap dead processes: our children, and orphans if we are process 1 of a container."""
    died: list[tuple[_Running, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return died
        if pid == 0:
            return died
        for one in running:
            if one.process is not None and one.process.pid == pid:
                code = os.waitstatus_to_exitcode(status)
                one.process.returncode = code
                one.process = None
                died.append((one, code))


def _after_death(one: _Running, code: int) -> int | None:
    """Handle the end of a child: return the code to exit with, or None to restart it later."""
    lived_s = one.lived_s()
    if code == EXIT_MISCONFIGURED:
        return code
    if lived_s >= _HEALTHY_AFTER_S:
        one.was_healthy = True
        one.pause_s = _FIRST_PAUSE_S
    elif one.child.vital and not one.was_healthy and code > 0:
        logger.error("did not start; giving up", extra={"child": one.child.name, "code": code})
        return code
    one.start_at = clock.monotonic_s() + one.pause_s
    logger.warning(
        "died; restarting",
        extra={"child": one.child.name, "code": code, "lived_s": round(lived_s, 1), "pause_s": one.pause_s},
    )
    one.pause_s = min(one.pause_s * 2, _LONGEST_PAUSE_S)
    return None


def _tell(running: Sequence[_Running], number: signal.Signals) -> None:
    for one in running:
        if one.process is not None:
            try:
                os.kill(one.process.pid, number)
            except ProcessLookupError:
                continue


def _stop(running: Sequence[_Running], within_s: float) -> None:
    _tell(running, signal.SIGTERM)
    deadline = clock.monotonic_s() + within_s
    _reap(running)
    while any(one.process for one in running):
        left_s = deadline - clock.monotonic_s()
        if left_s <= 0:
            logger.warning(
                "did not stop in time; killed", extra={"children": [o.child.name for o in running if o.process]}
            )
            _tell(running, signal.SIGKILL)
            deadline = clock.monotonic_s() + within_s
            continue
        got = signal.sigtimedwait(_WATCHED, left_s)
        if got is not None and got.si_signo in _STOPS:
            # A second signal stops immediately.
            _tell(running, signal.SIGKILL)
        _reap(running)
