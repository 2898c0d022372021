"""Run other programs without a shell, with a time limit and a limit on their output."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec

from mydia import clock, writing
from mydia.adapters.errors import AdapterError, Nonsense, Unreachable

MAX_OUTPUT_BYTES = 1024**2
_CHUNK_BYTES = 64 * 1024


class Missing(AdapterError):
    """The program is not installed."""

    code = "missing"


class Finished(msgspec.Struct, frozen=True):
    """The result of a program that has exited."""

    code: int
    """The exit status; negative for a signal."""
    output: bytes
    errors: bytes

    @property
    def last_error(self) -> str:
        """The last line printed to standard error, for messages."""
        lines = self.errors.decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:500] if lines else ""


class Programs:
    """Runs programs on the machine that Mydia runs on."""

    def find(self, program: str) -> str | None:
        """Return the path of an installed program, or None."""
        return shutil.which(program)

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
        max_output_bytes: int = MAX_OUTPUT_BYTES,
    ) -> Finished:
        """Run a program and wait until it exits.

        Args:
            program: A name that is looked up in PATH, or a path.
            arguments: Passed as they are; there is no shell.
            timeout_s: After this time the program and the processes it started are killed.
            environment: Added to PATH and LANG. Mydia's other variables are not passed on, because they contain keys.
            max_output_bytes: Limit for standard output and standard error each.

        Raises:
            Missing: The program is not installed.
            Unreachable: It took longer than `timeout_s`, or could not be started.
            Nonsense: It printed more than `max_output_bytes`.
        """
        writing.assert_outside_allowed()
        path = self.find(program)
        if path is None:
            raise Missing(program, "is not installed")
        try:
            process = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", **(environment or {})},
                # Its own process group, so that its child processes can be killed with it.
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable(program, f"could not be started: {error.strerror}") from error
        with process:
            try:
                output, errors = _read(program, process, timeout_s, max_output_bytes)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        return Finished(process.returncode, output, errors)


def _read(program: str, process: subprocess.Popen[bytes], timeout_s: float, max_bytes: int) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    ends_at_s = clock.monotonic_s() + timeout_s
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ, output)
        waiting.register(process.stderr, selectors.EVENT_READ, errors)
        while waiting.get_map():
            ready = waiting.select(max(0.0, ends_at_s - clock.monotonic_s()))
            if not ready:
                raise Unreachable(program, f"did not finish within {timeout_s:.0f} seconds")
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    waiting.unregister(key.fd)
                key.data.extend(chunk)
                if len(key.data) > max_bytes:
                    raise Nonsense(program, f"printed more than {max_bytes // 1024} KiB")
    try:
        process.wait(max(0.1, ends_at_s - clock.monotonic_s()))
    except subprocess.TimeoutExpired as error:
        raise Unreachable(program, f"did not finish within {timeout_s:.0f} seconds") from error
    return bytes(output), bytes(errors)
