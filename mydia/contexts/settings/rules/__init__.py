"""Rules for releases beyond quality: how long to wait for a better one, and words that names must or must not contain."""

from mydia.contexts.settings.rules import delays, words
from mydia.contexts.settings.rules.delays import Delay, DelayForm
from mydia.contexts.settings.rules.words import ReleaseForm, TermProfile, WordSet

__all__ = ["Delay", "DelayForm", "ReleaseForm", "TermProfile", "WordSet", "delays", "words"]
