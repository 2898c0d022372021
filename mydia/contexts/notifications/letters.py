"""The texts of mail, in plain English, as text and as HTML."""

from __future__ import annotations

from html import escape

import msgspec

from mydia.adapters.mail import Mail

_PAGE = (
    '<!doctype html><html lang="en"><body style="margin:0;padding:24px;font-family:sans-serif;font-size:16px;'
    'line-height:1.5;color:#1c1917;background:#ffffff"><div style="max-width:36em">{body}</div></body></html>'
)
_PARAGRAPH = '<p style="margin:0 0 16px">{text}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a href="{href}" style="display:inline-block;padding:10px 18px;border-radius:8px;'
    'background:#9a3412;color:#ffffff;text-decoration:none">{label}</a></p>'
    '<p style="margin:0 0 16px;font-size:14px;word-break:break-all">{href}</p>'
)


class _Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message with at most one link between its paragraphs."""

    subject: str
    before: tuple[str, ...]
    label: str = ""
    """What the link does."""
    href: str = ""
    after: tuple[str, ...] = ()

    def to(self, address: str) -> Mail:
        link = (f"{self.label}:\n{self.href}",) if self.href else ()
        button = _BUTTON.format(href=escape(self.href), label=escape(self.label)) if self.href else ""
        before, after = (
            "".join(_PARAGRAPH.format(text=escape(text)) for text in part) for part in (self.before, self.after)
        )
        return Mail(
            to=address,
            subject=self.subject,
            text="\n\n".join([*self.before, *link, *self.after]) + "\n",
            html=_PAGE.format(body=before + button + after),
        )


def reset_mail(address: str, name: str, link: str, minutes: int) -> Mail:
    """Return the message with a link to set a new password."""
    return _Letter(
        subject="Set a new password for Mydia",
        before=(f"Hello {name},", "Somebody asked to set a new password for your Mydia account."),
        label="Set a new password",
        href=link,
        after=(
            f"The link works once, within {minutes} minutes.",
            "If it was not you, ignore this message. Your password stays the same.",
        ),
    ).to(address)


def invitation_mail(address: str, inviter: str, link: str, until: str) -> Mail:
    """Return the message with the link of an invitation.

    Args:
        until: The day on which it expires.
    """
    return _Letter(
        subject=f"{inviter} invites you to Mydia",
        before=("Hello,", f"{inviter} invites you to Mydia, the home of the household's movies and shows."),
        label="Accept the invitation",
        href=link,
        after=(f"The link works once, until {until}.", "If you do not know the sender, ignore this message."),
    ).to(address)


def test_mail(address: str, place: str) -> Mail:
    """Return the message that shows that mail works."""
    return _Letter(
        subject="Test message from Mydia",
        before=("Mydia can send mail.", f"This message was sent from the settings of {place}."),
    ).to(address)
