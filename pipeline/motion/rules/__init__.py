"""The rules: one a file. A new file here is a new rule."""

import importlib
import pkgutil
from typing import Final

from pipeline.motion.rule import Rule
from schemas.estate import Zone


def _found() -> tuple[type[Rule], ...]:
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return tuple(
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Rule) and each.__module__ == module.__name__
    )


RULES: Final = _found()
"""Every rule, by its file's name."""


def rules_of(zone: Zone, timezone: str) -> tuple[Rule, ...]:
    """Return the rules that a zone of the estate turns on."""
    return tuple(rule for each in RULES if (rule := each.of(zone, timezone)) is not None)
