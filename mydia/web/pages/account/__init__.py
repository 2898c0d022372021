"""Pages of the signed-in person."""

from mydia.web.pages.account import account

ROUTES = (*account.ROUTES,)
