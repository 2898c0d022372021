"""Authentication: session cookies, API keys, providers, signing in and out, the token of the first run."""

from mydia.web.auth import forgotten, invitation, oidc, passkey_sign_in, reset, second_factor
from mydia.web.auth.requests import address_of, authenticate, recall, session_id_of
from mydia.web.auth.session import login_page, open_browser_session, sign_in
from mydia.web.auth.setup_token import SetupToken
from mydia.web.auth.sign_out import logout

ROUTES = (
    login_page,
    sign_in,
    logout,
    *second_factor.ROUTES,
    *reset.ROUTES,
    *forgotten.ROUTES,
    *invitation.ROUTES,
    *passkey_sign_in.ROUTES,
    *oidc.ROUTES,
)

__all__ = [
    "ROUTES",
    "SetupToken",
    "address_of",
    "authenticate",
    "login_page",
    "logout",
    "oidc",
    "open_browser_session",
    "recall",
    "session_id_of",
    "sign_in",
]
