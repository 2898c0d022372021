"""Which seasons and episodes a name is about."""

from mydia.parsing.numbering.forms import FORMS, find_numbering
from mydia.parsing.numbering.scene import NUMBER_WORD, Numbering, Scene, read_number, today

__all__ = ["FORMS", "NUMBER_WORD", "Numbering", "Scene", "find_numbering", "read_number", "today"]
