"""Pages of requests and reported problems."""

from mydia.web.pages.requests import asking, blocked, deciding, lists, problems

ROUTES = (*lists.ROUTES, *asking.ROUTES, *blocked.ROUTES, *deciding.ROUTES, *problems.ROUTES)
