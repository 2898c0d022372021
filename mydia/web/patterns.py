"""Regular expressions of values that the API takes, and what they require in plain words.

They are part of the API's description, so they use only what JSON Schema's and Python's expressions have in common.
"""

from __future__ import annotations

NOT_BLANK = r"^[^\x00]*[^\x00-\x20\x7f-\xa0\s][^\x00]*$"
TAG = r"^[^\x00,]*[^\x00-\x20\x7f-\xa0\s,][^\x00,]*$"
RELEASE_NAME = r"^[^\x00]*[A-Za-z0-9][^\x00]*$"
CURSOR = r"^[A-Za-z0-9_-]*$"
FOLDER = r"^\s*/[^\x00]*$"
FOLDER_TO_READ = r"^/(?!(?:[^\x00]*/)?\.\.(?:/|$))[^\x00]*$"
LINK = r"^(?:[mM][aA][gG][nN][eE][tT]:\?|[hH][tT][tT][pP][sS]?://)[^\x00-\x20\x7f-\xa0]+$"
DIVERSE_TEXT = r"^([\s\S])\1*(?!\1)([\s\S])(?:\1|\2)*(?!\1|\2)[\s\S]"
USERNAME = r"^\s*[\w.@+-]{1,64}\s*$"
_IN_EMAIL = r"[^@\s\x00-\x20\x7f-\xa0,;:<>()\[\]\\\"]+"
EMAIL = rf"^(?:\s*|\s*{_IN_EMAIL}@{_IN_EMAIL}\s*)$"
ONE_EMAIL = rf"^\s*{_IN_EMAIL}@{_IN_EMAIL}\s*$"
SENDER = r"^\s*[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+\s*$"
HOST = r"^\s*[A-Za-z0-9._:-]{1,253}\s*$"
LANGUAGE = r"^\s*[a-z]{2,3}(?:-[A-Z]{2})?\s*$"
REGION = r"^\s*[A-Z]{2}\s*$"
NUMBERS = r"^\s*(?:[0-9]{1,6}(?:\s*,\s*[0-9]{1,6})*)?\s*$"
IMDB_ID = "^tt[0-9]{5,10}$"
WEB_ADDRESS = (
    r"^\s*[hH][tT][tT][pP][sS]?://"
    # A host name or an IPv6 address.
    r"(?:\w(?:[\w.-]{0,250}\w)?"
    r"|\[(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}"
    r"|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,2})?::(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,3})?)\])"
    # A port.
    r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    # Printable ASCII without backslashes.
    r"(?:[/?#][!-\[\]-~]*)?\s*$"
)
WEB_ADDRESS_OR_OFF = rf"^off$|{WEB_ADDRESS}"

SENTENCES = {
    NOT_BLANK: "Enter some text.",
    TAG: "Enter 1 to 40 characters without a comma.",
    RELEASE_NAME: "Enter the name of a release.",
    CURSOR: "Pass `next_cursor` of the previous page, or leave it out.",
    FOLDER: "Enter an absolute path, starting with /.",
    FOLDER_TO_READ: "Enter an absolute path without “..”.",
    LINK: "Enter a magnet link or an address that starts with http:// or https://.",
    DIVERSE_TEXT: "Use at least three different characters.",
    USERNAME: "Use letters, digits and . _ - @ + only, without spaces, at most 64 characters.",
    EMAIL: "Enter an e-mail address such as name@example.org.",
    ONE_EMAIL: "Enter an e-mail address such as name@example.org.",
    SENDER: "Enter an e-mail address such as mydia@example.org.",
    HOST: "Enter a host name or an address, without a port.",
    LANGUAGE: "Enter a language such as en-US or de.",
    REGION: "Enter a two-letter country code, such as AT.",
    NUMBERS: "Enter whole numbers separated by commas.",
    IMDB_ID: "Enter an id such as tt0017136.",
    WEB_ADDRESS: "Enter an address such as http://192.168.1.10:8080: http or https, and a host.",
    WEB_ADDRESS_OR_OFF: "Enter an address that starts with http:// or https://, or off.",
}
"""Pattern -> what a value must be."""
