"""Pages of the signed-in person."""

from mydia.web.pages.account import account, avatar, security

ROUTES = (*account.ROUTES, *avatar.ROUTES, *security.ROUTES)
