"""Sign-in with OIDC providers: `protocol` speaks with the provider, `attempts` remembers a sign-in, `pages` are its addresses."""

from mydia.web.auth.oidc.pages import ROUTES, SIGNED_OUT, begin_attempt, look, onward, sign_out_address

__all__ = ["ROUTES", "SIGNED_OUT", "begin_attempt", "look", "onward", "sign_out_address"]
