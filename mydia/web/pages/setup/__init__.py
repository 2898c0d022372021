"""The setup wizard."""

from mydia.web.pages.setup import wizard

ROUTES = (*wizard.ROUTES,)
