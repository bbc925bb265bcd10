"""Objects in a bucket: what holds in a folder and in memory holds over S3's own protocol too."""

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no types of its own
import pytest
from moto.server import ThreadedMotoServer

from pipeline.errors import Unavailable
from pipeline.objects import Objects, open_objects

NAME = "evidence/ginza/entrance/k-1"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    said = {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "us-east-1", "ALLOW_HTTP": "true"}
    for name, value in {**said, "ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
    client.create_bucket(Bucket="evidence")
    yield client
    for each in client.list_object_versions(Bucket="evidence").get("Versions", []):
        client.delete_object(Bucket="evidence", Key=each["Key"], VersionId=each["VersionId"])
    for each in client.list_object_versions(Bucket="evidence").get("DeleteMarkers", []):
        client.delete_object(Bucket="evidence", Key=each["Key"], VersionId=each["VersionId"])
    client.delete_bucket(Bucket="evidence")


@pytest.fixture
def objects(s3: Any) -> Objects:
    return open_objects("s3://evidence/shops")


async def test_what_was_put_is_got_named_and_deleted(objects: Objects, s3: Any) -> None:
    assert await objects.put(NAME, b"sealed") is True
    assert await objects.get(NAME) == b"sealed"
    assert await objects.names("evidence/") == [NAME]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket="evidence")["Contents"]] == [f"shops/{NAME}"]

    await objects.delete(NAME)
    await objects.delete(NAME)

    assert await objects.get(NAME) is None
    assert s3.list_objects_v2(Bucket="evidence")["KeyCount"] == 0


async def test_an_object_is_put_once_and_never_changed(objects: Objects) -> None:
    put = await asyncio.gather(*(objects.put(NAME, bytes([each])) for each in range(4)))

    assert sorted(put) == [False, False, False, True]
    assert await objects.get(NAME) == bytes([put.index(True)])


async def test_r20_a_bucket_that_keeps_old_versions_takes_no_evidence(objects: Objects, s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="evidence", VersioningConfiguration={"Status": "Enabled"})

    for _attempt in range(3):
        with pytest.raises(Unavailable, match="old versions"):
            await objects.put(NAME, b"sealed")

    assert await objects.get(NAME) is None
    assert len(s3.list_object_versions(Bucket="evidence")["Versions"]) == 1


async def test_a_bucket_that_is_away_is_unavailable(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    away = open_objects("s3://evidence/shops")

    with pytest.raises(Unavailable, match="away"):
        await away.get(NAME)


async def test_a_bucket_that_is_not_there_is_unavailable(s3: Any) -> None:
    with pytest.raises(Unavailable):
        await open_objects("s3://nowhere/shops").put(NAME, b"sealed")
