"""System pages."""

from mydia.web.pages.system import audit, backups, logs, status, tasks

ROUTES = (*status.ROUTES, *tasks.ROUTES, *logs.ROUTES, *backups.ROUTES, *audit.ROUTES)
