"""The tests of accounts, sign-in and the audit once more, on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.contexts.requests.test_on_postgresql import database, migrated  # noqa: F401  fixtures
from tests.contexts.users.test_accounts import *  # noqa: F403  every test of the module
from tests.contexts.users.test_api_keys import *  # noqa: F403
from tests.contexts.users.test_audit import *  # noqa: F403
from tests.contexts.users.test_history import *  # noqa: F403
from tests.contexts.users.test_sign_in import *  # noqa: F403
from tests.fakes import postgres

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(postgres.PROGRAM is None, reason=postgres.MISSING),
    pytest.mark.xdist_group("postgres"),
    pytest.mark.timeout(400),
]
