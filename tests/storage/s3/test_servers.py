"""The S3 servers that the tests use."""

from __future__ import annotations

from tests.storage.s3.servers import S3Server


def test_a_server_stores(s3_server: S3Server) -> None:
    """A server gives back what it was given."""
    client = s3_server.client
    bucket = s3_server.new_bucket()
    client.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
