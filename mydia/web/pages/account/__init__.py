"""Pages of the signed-in person."""

from mydia.web.pages.account import account, security

ROUTES = (*account.ROUTES, *security.ROUTES)
