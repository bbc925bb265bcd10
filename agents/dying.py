"""How a stage ends itself: at once, and without quoting anybody's data."""

import os
import sys
import traceback
from typing import Final, NoReturn

from aiokafka.errors import KafkaError

from pipeline.errors import MimamoriError
from pipeline.logs import log

DIED: Final = 70
"""Exit status of a stage that ended itself (sysexits: internal software error)."""


def die(why: str, error: BaseException | None = None) -> NoReturn:
    """End the process at once: no handler, no flush, no commit comes between the fault and the restart."""
    log().critical("stage died", detail=why if error is None else f"{why}: {told(error)}")
    if error is not None:
        # Where it happened, line by line; a traceback's last line could quote a message.
        sys.stderr.writelines(traceback.format_tb(error.__traceback__)[-8:])
    sys.stderr.flush()
    os._exit(DIED)


def told(error: BaseException) -> str:
    """Say what an exception is; its words too, where they are ours or Kafka's and not a validator's."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, MimamoriError | KafkaError | OSError) else name
