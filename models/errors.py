"""What can go wrong with models and pictures.

ModelError
├── UnknownModel      no such name in the manifest
├── NotAllowed        a task that this product or this camera mode must not do
├── Missing           a file that is not there yet: `mimamori models fetch`
├── WrongHash         a file that is not the one that the manifest names; it has been removed
├── Unreadable        the list of the networks that users bring is not as it must be
├── CannotFetch       no source gave the file
└── CannotConvert     a graph that the converter does not know
BadImage              bytes that are no picture we accept (see models.images)
"""


class ModelError(Exception):
    """Something is wrong with a model, not with a message."""


class UnknownModel(ModelError):
    """The manifest has no model of that name."""


class NotAllowed(ModelError):
    """A task that this product, or this camera mode, must not do."""


class Missing(ModelError):
    """A file that has not been fetched."""


class WrongHash(ModelError):
    """A file whose sha256 is not the manifest's."""


class Unreadable(ModelError):
    """The list of users' own networks says what it may not say."""


class CannotFetch(ModelError):
    """No source gave the file."""


class CannotConvert(ModelError):
    """A graph with something that the converter does not know."""


class BadImage(ValueError):
    """Bytes that are no picture we accept: the message is bad, the process is well."""
