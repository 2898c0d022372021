"""Read seasons, episodes and dates."""

from mydia.parsing.numbering.forms import FORMS, find_numbering
from mydia.parsing.numbering.scene import Numbering, Scene, today

__all__ = ["FORMS", "Numbering", "Scene", "find_numbering", "today"]
