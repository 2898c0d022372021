"""Accounts, permissions, sign-in, sessions and API keys."""

from mydia.contexts.users.accounts import (
    NewUser,
    add_first_admin,
    add_user,
    caller_of,
    change_own_password,
    change_own_profile,
    change_preferences,
    change_user,
    get_own,
    get_user,
    has_users,
    keys_of,
    list_users,
    remove_user,
)
from mydia.contexts.users.api_keys import (
    KeyCaller,
    add_api_key,
    caller_for_key,
    revoke_api_key,
    touch_api_key,
)
from mydia.contexts.users.managed import ensure_admin
from mydia.contexts.users.models import ApiKey, User, UserSession
from mydia.contexts.users.passwords import hash_password, password_objection
from mydia.contexts.users.permissions import NOBODY, SYSTEM, Caller, Permission, Role, permissions_of
from mydia.contexts.users.sign_in import (
    FoundSession,
    authenticate,
    close_session,
    find_session,
    list_sessions,
    open_session,
    revoke_session,
    touch_session,
)
from mydia.contexts.users.throttle import TooManyAttempts, prune

__all__ = [
    "NOBODY",
    "SYSTEM",
    "ApiKey",
    "Caller",
    "FoundSession",
    "KeyCaller",
    "NewUser",
    "Permission",
    "Role",
    "TooManyAttempts",
    "User",
    "UserSession",
    "add_api_key",
    "add_first_admin",
    "add_user",
    "authenticate",
    "caller_for_key",
    "caller_of",
    "change_own_password",
    "change_own_profile",
    "change_preferences",
    "change_user",
    "close_session",
    "ensure_admin",
    "find_session",
    "get_own",
    "get_user",
    "has_users",
    "hash_password",
    "keys_of",
    "list_sessions",
    "list_users",
    "open_session",
    "password_objection",
    "permissions_of",
    "prune",
    "remove_user",
    "revoke_api_key",
    "revoke_session",
    "touch_api_key",
    "touch_session",
]
