"""Settings pages."""

from mydia.web.pages.settings import (
    browse,
    finder,
    folders,
    formats,
    general,
    guides,
    mail,
    metadata,
    naming,
    people,
    profile_editor,
    profiles,
    requests,
    services,
    sign_in,
    sizes,
)

ROUTES = (
    *finder.ROUTES,
    *general.ROUTES,
    *metadata.ROUTES,
    *browse.ROUTES,
    *folders.ROUTES,
    *naming.ROUTES,
    *profiles.ROUTES,
    *profile_editor.ROUTES,
    *guides.ROUTES,
    *formats.ROUTES,
    *sizes.ROUTES,
    *services.ROUTES,
    *people.ROUTES,
    *mail.ROUTES,
    *requests.ROUTES,
    *sign_in.ROUTES,
)
