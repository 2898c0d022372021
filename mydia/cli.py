"""The command line. Only this module reads the environment; commands import what they need when they run."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mydia import __version__
from mydia.errors import Misconfigured, MydiaError

if TYPE_CHECKING:
    from mydia.config import Config, Sourced

EXIT_MISCONFIGURED = 2  # as in `supervise`, and what argparse exits with
_WORKER_WAITS_S = 20.0
"""The worker starts after this time at the latest, even if the web process is still starting."""
type Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0 done, 1 failed, 2 wrong arguments or configuration."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["parse"]:
        from mydia.parsing import cli as parse

        return parse.main(words[1:])
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except Misconfigured as error:
        print(f"mydia: {error.message}", file=sys.stderr)
        return EXIT_MISCONFIGURED
    except MydiaError as error:
        print(f"mydia: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        gc.enable()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mydia",
        description="A self-hosted media manager for movies and shows.",
    )
    parser.add_argument("--version", action="version", version=f"Mydia {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        made.set_defaults(run=run)
        return made

    add("serve", _serve, "start the web server and a worker, and restart either if it dies")
    for name, run, what in (("web", _web, "the web server"), ("worker", _worker, "a worker")):
        one = add(name, run, f"start only {what}")
        one.add_argument("--prepared", action="store_true", help=argparse.SUPPRESS)
        one.add_argument("--tells-parent", action="store_true", help=argparse.SUPPRESS)
    add("relay", _relay, "start only a metadata relay, for other installations")
    add("migrate", _migrate, "migrate the database to this version, after a backup")
    # Only for the list of commands: `main` passes the arguments of `parse` to the parser's own command line.
    add("parse", lambda _: 0, "show how release names are parsed, and from which characters")
    add("doctor", _doctor, "check the configuration, folders, database and services, and report problems")
    backup = add("backup", _backup, "back up the database while it is in use, list backups, or restore one")
    backup.add_argument("action", nargs="?", choices=("make", "list", "restore", "restore-requested"), default="make")
    backup.add_argument("file", nargs="?", help="the backup to restore")
    hashing = add(
        "hash-password", _hash_password, "create the Argon2 hash for ADMIN_PASSWORD_HASH; asks for the password"
    )
    hashing.add_argument("--stdin", action="store_true", help="read the password from standard input")
    add("rotate-secret", _rotate_secret, "encrypt all stored passwords and keys with a new SECRET_KEY_BASE")
    shown = add(
        "config", _config, "show every setting with its source, check the configuration, or print the example file"
    )
    shown.add_argument("action", nargs="?", choices=("show", "check", "example"), default="show")
    shown.add_argument("name", nargs="?", help="only settings whose names start with this")
    return parser


def _load() -> Config:
    from mydia import config

    return config.load(os.environ)


def _log(config: Config, name: str, *, to_file: bool = True) -> None:
    from mydia import logs

    logs.configure(config["logging.level"], config["logging.format"], config.log_directory if to_file else None, name)
    import logging

    for line in _notes(config):
        logging.getLogger(__name__).warning("%s", line, extra={"file": config.file})


def _notes(config: Config) -> list[str]:
    return [
        *(f"unknown key {name}" for name in config.unknown_keys),
        *(f"{name} is not active yet: this version does not have its feature" for name in config.inactive_keys),
    ]


def _serve(_arguments: argparse.Namespace) -> int:
    from mydia import schema, supervise

    config = _load()
    mydia = [sys.executable, "-m", "mydia"]
    web = [*mydia, "web", "--tells-parent"]
    restore = supervise.Child(name="restore", argv=[*mydia, "backup", "restore-requested"])
    if schema.is_restore_pending(config.database_url) and (ended := supervise.run_once(restore)) != 0:
        return ended
    if not schema.is_current(config.database_url):
        # Run it in its own process, so that the memory of a migration is released afterwards.
        prepared = supervise.run_once(supervise.Child(name="prepare", argv=[*mydia, "migrate"]))
        if prepared != 0:
            return prepared
        web.append("--prepared")
    _log(config, "serve")
    environ = supervise.sparing(os.environ)
    return supervise.run(
        [
            supervise.Child(name="web", argv=web, vital=True, environ=environ),
            # The worker starts later, because loading it at the same time would delay the first page.
            supervise.Child(
                name="worker", argv=[*mydia, "worker", "--prepared"], environ=environ, waits_s=_WORKER_WAITS_S
            ),
        ],
        between=restore,
    )


def _started(arguments: argparse.Namespace, name: str) -> Config:
    """Load the configuration and prepare the data folder, unless `serve` has prepared it."""
    # There is little garbage during the start, and collecting it would take a tenth of the start time.
    gc.disable()
    config = _load()
    from mydia import startup

    startup.make_folders(config)
    _log(config, name)
    if not arguments.prepared:
        startup.prepare(config)
    return config


def _settled() -> None:
    """Exclude objects loaded at the start from garbage collection, because they live as long as the process."""
    gc.freeze()
    gc.enable()


def _web(arguments: argparse.Namespace) -> int:
    config = _started(arguments, "web")
    from mydia import clock, crash_reports, startup, supervise
    from mydia.contexts import library
    from mydia.contexts.metadata import OfferedRelay
    from mydia.taskboard import TaskBoard
    from mydia.web import auth
    from mydia.web.app import create_app
    from mydia.web.deps import WebDeps
    from mydia.web.routes import ROUTES
    from mydia.web.serve import serve

    parts = startup.open_parts(config)
    board = TaskBoard(config.jobs_path)
    routes = list(ROUTES)
    offered = OfferedRelay(config, parts.metadata) if config["server.relay_enabled"] else None
    if offered is not None:
        from mydia.web.relay import relay_router

        routes.append(relay_router(offered.current))
    deps = WebDeps(
        config=config,
        database=parts.database,
        outside=parts.outside,
        taskboard=board,
        authenticate=auth.authenticate,
        recall=auth.recall,
        restart=supervise.request_restart if arguments.tells_parent else None,
    )
    # Pages remove and rename files themselves, so finish operations of an earlier web process that was killed.
    library.journal.recover_journal(parts.database, parts.outside, clock.now())
    try:
        with crash_reports.reporter(config, parts.database, parts.outside.http, "web", sends=False):
            app = create_app(deps, routes=routes)
            _settled()
            serve(config, app, on_settled=supervise.tell_ready if arguments.tells_parent else None)
    finally:
        if offered is not None:
            offered.close()
        board.close()
        parts.close()
    # Everything is closed. msgspec 0.22 sometimes crashes while the interpreter frees types that it has described for OpenAPI.
    logging.shutdown()
    os._exit(0)


def _worker(arguments: argparse.Namespace) -> int:
    config = _started(arguments, "worker")
    from mydia import startup

    with startup.only_worker(config):
        return _work(config)


def _work(config: Config) -> int:
    import threading

    from mydia import clock, crash_reports, startup
    from mydia.contexts import library, settings
    from mydia.contexts.users import SYSTEM
    from mydia.jobs import triggers, watching, worker

    parts = startup.open_parts(config, sparing=True)

    def setting(name: str) -> object:
        with parts.database.reads() as session:
            return settings.sourced(session, SYSTEM, name).value

    def watch(stop: threading.Event) -> None:
        watching.watch(parts.database, config, stop)

    _settled()
    # Finish operations that a crash interrupted before anything else touches files.
    library.journal.recover_journal(parts.database, parts.outside, clock.now())
    with crash_reports.reporter(config, parts.database, parts.outside.http, "worker", sends=True):
        return worker.run(
            config,
            parts.database,
            parts.outside,
            on_event=triggers.ON_EVENT,
            schedule=triggers.SCHEDULE,
            setting=setting,
            at_start=triggers.AT_START,
            beside=[watch],
        )


def _relay(_arguments: argparse.Namespace) -> int:
    from mydia.web.relay import serve_relay

    return serve_relay(os.environ)


def _migrate(_arguments: argparse.Namespace) -> int:
    config = _load()
    from mydia import startup

    startup.make_folders(config)
    _log(config, "migrate", to_file=False)
    startup.prepare(config)
    print("The database is up to date.")
    return 0


def _doctor(_arguments: argparse.Namespace) -> int:
    config = _load()
    from mydia import startup

    found = startup.examine(config)
    for state, sentence in found:
        print(f"{ {'ok': 'ok      ', 'warning': 'warning ', 'failed': 'FAILED  '}[state] }{sentence}")
    return 1 if any(state == "failed" for state, _ in found) else 0


def _backup(arguments: argparse.Namespace) -> int:
    from mydia import clock, units
    from mydia.db import Database, maintenance

    config = _load()
    database = Database(config.database_url, pool_size=2)
    try:
        if arguments.action == "list":
            for one in maintenance.list_backups(config.backups_directory):
                print(f"{one.made_at:%Y-%m-%d %H:%M} UTC  {units.size(one.size_bytes):>9}  {one.path}")
            return 0
        if database.path is None:
            raise Misconfigured("Back up PostgreSQL with pg_dump.")
        if arguments.action == "restore":
            return _restore(arguments, config, database.path)
        if arguments.action == "restore-requested":
            return _restore_requested(config, database.path)
        if not database.path.exists():
            raise Misconfigured(f"There is no database at {database.path} to back up.")
        made = maintenance.back_up(database, config.backups_directory, clock.now())
    finally:
        database.close()
    print(made.path if made else "Nothing to back up.")
    return 0


def _restore_requested(config: Config, database_path: Path) -> int:
    """Carry out the restore that was requested on a page; `serve` runs this while its processes are stopped."""
    from mydia import clock
    from mydia.contexts import settings
    from mydia.db import Database, restoring

    outcome = restoring.carry_out(database_path, config.backups_directory, clock.now())
    if outcome is not None and outcome.restored:
        database = Database(f"sqlite:///{database_path}", pool_size=2)
        try:
            settings.backups.record_restored(database, clock.now(), outcome.backup, outcome.asked_by)
        finally:
            database.close()
    if outcome is not None:
        print(
            f"Restored {outcome.backup}." if outcome.restored else f"{outcome.backup} not restored: {outcome.problem}"
        )
    return 0


def _restore(arguments: argparse.Namespace, config: Config, database_path: Path) -> int:
    from mydia import clock
    from mydia.db import maintenance

    if not arguments.file:
        raise Misconfigured("Give the file of the backup to restore; `mydia backup list` lists them.")
    given = Path(arguments.file)
    backup = given if given.exists() else config.backups_directory / given
    kept = maintenance.restore(backup, database_path, config.backups_directory, clock.now())
    print(f"Restored {backup}." + (f" The previous database is kept as {kept}." if kept else ""))
    return 0


def _hash_password(arguments: argparse.Namespace) -> int:
    import getpass

    from mydia.contexts import users

    password = sys.stdin.readline().rstrip("\n") if arguments.stdin else getpass.getpass("Password: ")
    if (objection := users.passwords.password_objection(password)) is not None:
        raise Misconfigured(objection)
    if not arguments.stdin and getpass.getpass("Repeat: ") != password:
        raise Misconfigured("The passwords do not match.")
    print(users.passwords.hash_password(password))
    return 0


def _rotate_secret(_arguments: argparse.Namespace) -> int:
    config = _load()
    from mydia import rotation

    counts = rotation.rotate(config, os.environ.get("OLD_SECRET_KEY_BASE") or None)
    for table, rows in sorted(counts.items()):
        print(f"{table:<24} {rows} encrypted again")
    print("The secret key was replaced." if counts else "Nothing was encrypted. The secret key was replaced.")
    return 0


def _config(arguments: argparse.Namespace) -> int:
    from mydia import config as configuration

    if arguments.action == "example":
        print(configuration.example(), end="")
        return 0
    config = _load()
    if arguments.action == "check":
        from mydia import startup

        for line in _notes(config):
            print(f"{config.file}: {line}", file=sys.stderr)
        startup.rehearse(config)
        print("The configuration is valid.")
        return 0
    values = _all_values(config)
    for key in configuration.KEYS:
        if key.name.startswith(arguments.name or ""):
            found = values[key.name]
            shown = ("(set)" if found.value else "(not set)") if key.secret else _plain(found.value)
            print(f"{key.name:<36} {shown:<36} {found.source}")
    return 0


def _all_values(config: Config) -> dict[str, Sourced]:
    """Return all values, including those stored in the database if it exists."""
    from mydia.contexts import settings
    from mydia.contexts.users import SYSTEM
    from mydia.db import Database

    database = Database(config.database_url, pool_size=2)
    try:
        if database.path is not None and not database.path.exists():
            return dict(config.values)
        settings.bind(database, config)
        with database.reads() as session:
            return dict(settings.all_sourced(session, SYSTEM))
    finally:
        database.close()


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
