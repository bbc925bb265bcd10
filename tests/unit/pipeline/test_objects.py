"""Objects are put once, whole and for good, and deleting one is looked at; in a folder as in memory."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Misconfigured, Unavailable
from pipeline.objects import Folder, Objects, open_objects
from pipeline.settings import Settings

NAME = "evidence/ginza/entrance/k-1"


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return open_objects("memory://" if request.param == "memory" else (tmp_path / "objects").as_uri())


async def test_what_was_put_is_got(objects: Objects) -> None:
    assert await objects.put(NAME, b"sealed\x00\xff") is True
    assert await objects.get(NAME) == b"sealed\x00\xff"


async def test_an_object_is_put_once_and_never_changed(objects: Objects) -> None:
    await objects.put(NAME, b"first")

    assert await objects.put(NAME, b"second") is False
    assert await objects.get(NAME) == b"first"


async def test_of_two_who_put_at_once_one_does(objects: Objects) -> None:
    put = await asyncio.gather(*(objects.put(NAME, bytes([each])) for each in range(8)))

    assert sorted(put) == [False] * 7 + [True]
    assert await objects.get(NAME) == bytes([put.index(True)])
    assert await objects.names("evidence/") == [NAME]


async def test_where_there_is_none_none_is_got(objects: Objects) -> None:
    assert await objects.get(NAME) is None
    assert await objects.names("evidence/") == []


async def test_r20_what_was_deleted_is_gone_and_may_be_deleted_again(objects: Objects) -> None:
    await objects.put(NAME, b"sealed")
    await objects.delete(NAME)
    await objects.delete(NAME)

    assert await objects.get(NAME) is None
    assert await objects.names("evidence/") == []


async def test_names_are_those_below_a_folder(objects: Objects) -> None:
    for each in (NAME, "evidence/ginza/entrance/k-2", "evidence/shibuya/aisle/k-3", "other/k-4"):
        await objects.put(each, b"sealed")

    assert await objects.names("evidence/") == [NAME, "evidence/ginza/entrance/k-2", "evidence/shibuya/aisle/k-3"]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "a/../b", "a//b", "../a", "A", "a/.b", "a/" + "b" * 64, "a\n"])
async def test_a_name_that_could_lie_elsewhere_is_none(objects: Objects, name: str) -> None:
    for asked in (objects.put(name, b""), objects.get(name), objects.delete(name)):
        with pytest.raises(ValueError, match="no object"):
            await asked


@given(st.lists(st.tuples(st.sampled_from(["put", "delete"]), st.integers(0, 3), st.binary(max_size=9)), max_size=20))
def test_a_folder_and_memory_say_the_same(steps: list[tuple[str, int, bytes]]) -> None:
    async def said(objects: Objects) -> list[object]:
        heard: list[object] = []
        for what, number, data in steps:
            name = f"evidence/s/c/k-{number}"
            if what == "put":
                heard.append(await objects.put(name, data))
            else:
                await objects.delete(name)
            heard += [await objects.get(name), await objects.names("evidence/")]
        return heard

    import tempfile  # noqa: PLC0415 (a fixture of one test would be shared by all its examples)

    with tempfile.TemporaryDirectory() as folder:
        here = asyncio.run(said(open_objects((Path(folder) / "objects").as_uri())))
    assert here == asyncio.run(said(open_objects("memory://")))


# A folder.


async def test_r48_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await Folder(tmp_path / "objects").put(NAME, b"sealed")
    finally:
        os.umask(before)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "objects").rglob("*")}
    assert modes == {"evidence": 0o700, "ginza": 0o700, "entrance": 0o700, "k-1": 0o600}


def test_a_folder_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir(mode=0o755)

    with pytest.raises(Misconfigured, match="chmod 700"):
        Folder(tmp_path / "objects")


async def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path / "objects")
    order: list[str] = []
    fsync, link = os.fsync, os.link

    def noted_fsync(descriptor: int) -> None:
        order.append("fsync")
        fsync(descriptor)

    def noted_link(old: Path, new: Path) -> None:
        order.append("link")
        link(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "link", noted_link)
    await folder.put("a/k-1", b"")
    order.clear()

    await folder.put("a/k-2", b"sealed")

    assert order == ["fsync", "link", "fsync"]


async def test_of_a_death_while_putting_nothing_can_be_got_and_what_is_left_is_named_and_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "objects")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)  # the dead take nothing away
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("died")))
    with pytest.raises(Unavailable):
        await folder.put(NAME, b"half")
    monkeypatch.undo()

    assert await folder.get(NAME) is None
    assert await folder.names("evidence/") == [NAME]
    await folder.delete(NAME)
    assert [each for each in (tmp_path / "objects").rglob("*") if each.is_file()] == []


async def test_a_disk_that_refuses_is_away_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path / "objects")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(Unavailable, match="No space left"):
        await folder.put(NAME, b"sealed")
    monkeypatch.undo()
    assert await folder.names("evidence/") == []


@pytest.mark.parametrize("url", ["", "nowhere://x", "folder", "s3://", "file:folder"])
def test_an_address_that_is_none_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(Misconfigured, match="MIMAMORI_OBJECTS__URL"):
        open_objects(url)


def test_an_address_is_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Misconfigured) as refused:
        open_objects("nowhere://user:secret@x")

    assert "secret" not in str(refused.value)


def test_unless_said_objects_lie_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_HOME", str(tmp_path))

    assert Settings().objects_url == f"file://{tmp_path}/objects"
    monkeypatch.setenv("MIMAMORI_OBJECTS__URL", "s3://evidence/shops")
    assert Settings().objects_url == "s3://evidence/shops"
