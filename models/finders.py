"""Opens the network that finds people, by its name in the manifest or in users' own list."""

from dataclasses import dataclass
from pathlib import Path

from models import weights
from models.errors import UnknownModel
from models.manifest import Network, Own, manifest, own
from models.networks.detr import Detr
from models.networks.finder import Finder, Opened
from models.networks.nanodet import NanoDet
from models.networks.yolox import Yolox
from models.session import Processor, Session
from models.tasks import Mode, Task, allow


@dataclass(frozen=True)
class OpenFinder:
    """A finder, what the manifest says of it, and what really runs it."""

    finder: Finder
    entry: Network
    processor: Processor


def open_finder(folder: Path, name: str, mode: Mode, processor: Processor) -> OpenFinder:
    """Load a network that finds people.

    Raises UnknownModel, Missing, WrongHash, Unreadable, or NotAllowed for a network of another task.
    """
    entry = network(folder, name)
    allow(entry.task, mode)
    entry = entry.of_task(Task.PEOPLE)
    session: list[Session] = []

    def opened(model: bytes) -> Session:
        session.append(Session(model, processor))
        return session[0]

    if isinstance(entry, Own):
        model = weights.own_path(folder, entry).read_bytes()
        finder: Finder = _own(entry, model, opened)
    else:
        finder = NanoDet.load(weights.path(folder, manifest()[entry.name]).read_bytes(), opened)
    return OpenFinder(finder, entry, session[0].processor)


def _own(entry: Own, model: bytes, opened: Opened) -> Finder:
    if entry.family == "yolox":
        return Yolox.load(model, opened, side=entry.side, person=entry.person)
    return Detr.load(model, opened, side=entry.side, person=entry.person, logits=entry.logits)


def network(folder: Path, name: str) -> Network:
    """Give what the manifest, or users' own list, says of a network; raises UnknownModel."""
    listed: list[Network] = [*manifest().weights, *own(folder)]
    for entry in listed:
        if entry.name == name:
            return entry
    raise UnknownModel(f"no model {name!r}; there are {', '.join(entry.name for entry in listed)}")
