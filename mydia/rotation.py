"""Replaces SECRET_KEY_BASE: every sealed value of the database is encrypted again, all or none.

A key that Mydia keeps itself is in the file `secret_key`. The new one waits beside it until the database is committed, so a crash
at any point leaves either the old key with the old values, or the new key beside the new values; the next start puts it in place.
"""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path

from mydia import startup
from mydia.config import Config
from mydia.contexts import downloads, library, settings
from mydia.db import Database, resealing
from mydia.errors import Misconfigured
from mydia.private import private
from mydia.secret import Sealer

logger = logging.getLogger(__name__)

_SEALING = (downloads, library, settings)
"""Contexts whose tables hold sealed values; importing one registers its tables and those of the contexts below it."""
_FILE = "secret_key"


def rotate(config: Config, old_key: str | None) -> dict[str, int]:
    """Encrypt all sealed values with another key, and return table -> number of rows.

    Args:
        old_key: What SECRET_KEY_BASE was before it was changed. None: the key is the one in the data folder, and a new one is
            generated.

    Raises:
        Misconfigured: Mydia is running, a key is missing, or a value is not encrypted with the old key. Nothing was changed.
    """
    given = config["server.secret_key_base"]
    if given and not old_key:
        raise Misconfigured(
            "SECRET_KEY_BASE is set, so Mydia does not choose the new key. Set SECRET_KEY_BASE to the new key and "
            "OLD_SECRET_KEY_BASE to the present one, then run mydia rotate-secret again."
        )
    with startup.only_worker(config, patience_s=0):
        database = Database(config.database_url, pool_size=2)
        try:
            finish(config, database)
            if given:
                return _reseal(database, Sealer(str(old_key).encode()), Sealer(str(given).encode()))
            present = str(old_key).encode() if old_key else config.secret_key()
            fresh = secrets.token_urlsafe(48)
            waiting = config.data_dir / startup.WAITING_KEY
            _write(waiting, fresh)
            try:
                counts = _reseal(database, Sealer(present), Sealer(fresh.encode()))
            except BaseException:
                waiting.unlink()
                raise
            waiting.replace(config.data_dir / _FILE)
            return counts
        finally:
            database.close()


def finish(config: Config, database: Database) -> None:
    """Put a new key in place after a rotation that was interrupted, or discard it if the database has the old one."""
    waiting = config.data_dir / startup.WAITING_KEY
    if not waiting.exists():
        return
    with database.reads() as session:
        done = resealing.is_sealed_with(session, Sealer(waiting.read_bytes().strip()))
    if done is False:
        waiting.unlink()
        logger.warning("discarded the new secret key of a rotation that was interrupted")
    else:
        waiting.replace(config.data_dir / _FILE)
        logger.warning("finished the rotation of the secret key that was interrupted")


def _reseal(database: Database, old: Sealer, new: Sealer) -> dict[str, int]:
    assert _SEALING
    with database.writes() as session:
        return resealing.reseal(session, old, new)


def _write(path: Path, text: str) -> None:
    with private(path).open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
