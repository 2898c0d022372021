"""Accounts, permissions, sign-in, sessions and API keys."""

from mydia.contexts.users import api_keys, factors, history, identities, passwords, people, resets, sessions, sign_in
from mydia.contexts.users.accounts import (
    NewUser,
    add_first_admin,
    add_user,
    caller_of,
    change_own_password,
    change_own_profile,
    change_preferences,
    change_user,
    checked_email,
    get_own,
    get_user,
    has_users,
    remove_user,
)
from mydia.contexts.users.api_keys import KeyCaller
from mydia.contexts.users.identities import AccountRules, Asserted, NotAdmitted
from mydia.contexts.users.managed import ensure_admin
from mydia.contexts.users.models import ApiKey, User
from mydia.contexts.users.permissions import NO_KEYS, NOBODY, SYSTEM, Caller, Permission, Role, permissions_of
from mydia.contexts.users.sign_in import FoundSession
from mydia.contexts.users.throttle import TooManyAttempts

__all__ = [
    "NOBODY",
    "NO_KEYS",
    "SYSTEM",
    "AccountRules",
    "ApiKey",
    "Asserted",
    "Caller",
    "FoundSession",
    "KeyCaller",
    "NewUser",
    "NotAdmitted",
    "Permission",
    "Role",
    "TooManyAttempts",
    "User",
    "add_first_admin",
    "add_user",
    "api_keys",
    "caller_of",
    "change_own_password",
    "change_own_profile",
    "change_preferences",
    "change_user",
    "checked_email",
    "ensure_admin",
    "factors",
    "get_own",
    "get_user",
    "has_users",
    "history",
    "identities",
    "passwords",
    "people",
    "permissions_of",
    "remove_user",
    "resets",
    "sessions",
    "sign_in",
]
