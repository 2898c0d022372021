"""Pages about titles: home, lists, a title, its files and artwork, adding, the calendar."""

from mydia.web.pages.library import (
    add,
    artwork,
    calendar,
    episodes,
    files,
    home,
    item,
    item_actions,
    lists,
    matches,
    pictures,
    recycle_bin,
    removal,
    renames,
)

ROUTES = (
    *home.ROUTES,
    *lists.ROUTES,
    *item.ROUTES,
    *episodes.ROUTES,
    *item_actions.ROUTES,
    *removal.ROUTES,
    *matches.ROUTES,
    *renames.ROUTES,
    *artwork.ROUTES,
    *files.ROUTES,
    *add.ROUTES,
    *calendar.ROUTES,
    *pictures.ROUTES,
    *recycle_bin.ROUTES,
)
