"""Pages of requests and reported problems."""

from mydia.web.pages.requests import asking, deciding, lists, problems

ROUTES = (*lists.ROUTES, *asking.ROUTES, *deciding.ROUTES, *problems.ROUTES)
