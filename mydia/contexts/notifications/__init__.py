"""Messages that leave Mydia. `mail` sends those to people's own addresses, `letters` writes them."""

from mydia.contexts.notifications import mail

__all__ = ["mail"]
