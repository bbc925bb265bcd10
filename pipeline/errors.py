"""Everything that can go wrong, one meaning each.

MimamoriError
├── Rejected      a bad message: to the dead letter, and on
├── Unavailable   something is away: wait and try again, or die and be started again
├── Erased        the key was destroyed: an answer, not a fault
├── Refused       not allowed: recorded
└── Misconfigured what people set is wrong: says what to do
"""

from schemas.envelope import Reason


class MimamoriError(Exception):
    """The root: catch by name, only in the shell."""


class Rejected(MimamoriError):
    """A message that cannot be used. Its detail never holds anything of its payload."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail


class Unavailable(MimamoriError):
    """Kafka, the vault, ClickHouse or objects are away."""


class Erased(MimamoriError):
    """The key is gone, and with it what it sealed."""


class Refused(MimamoriError):
    """Somebody asked for what they may not have."""


class Misconfigured(MimamoriError):
    """A setting, a file or a topic is not as it must be; the message says the mend."""
