"""All reasons to reject a release, in one table."""

from mydia.contexts.downloads.decisions.spec import Spec
from mydia.contexts.downloads.decisions.specs import history, identity, quality, size, swarm, timing

SPECS: tuple[Spec, ...] = (
    *identity.SPECS,
    *quality.SPECS,
    *size.SPECS,
    *history.SPECS,
    *swarm.SPECS,
    *timing.SPECS,
)

__all__ = ["SPECS"]
