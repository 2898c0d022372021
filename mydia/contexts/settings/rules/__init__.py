"""Rules for releases beyond quality: how long to wait for a better one, and words that names must or must not contain."""

from mydia.contexts.settings.rules import delays, words
from mydia.contexts.settings.rules.delays import DelayForm, DelayProfile
from mydia.contexts.settings.rules.words import ReleaseForm, ReleaseProfile, WordSet

__all__ = ["DelayForm", "DelayProfile", "ReleaseForm", "ReleaseProfile", "WordSet", "delays", "words"]
