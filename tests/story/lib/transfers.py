"""What boto3 does by itself: parts side by side, copies in parts, pages, deletion in batches.

    transfers.py URL REGION KEY-ID SECRET BUCKET OTHER-BUCKET [whole]     prints the results as JSON

URL "auto" is no endpoint at all, and "path" none but a path-style client."""
import hashlib
import io
import json
import sys
import urllib.request

import boto3
import botocore.config
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

MIB = 1 << 20
IN_PARTS = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
ODD_KEYS = ["a b", "a+b", "a%2Fb", "ü/日本", "a=b&c", "~x", "a//b", "a/../b", "shop-us"]


def attempt(call, *words):
    try:
        return call(*words)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"].get("BucketName")]


def there_and_back(bucket, key, size):
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    bucket.upload_fileobj(io.BytesIO(body), key, Config=IN_PARTS, ExtraArgs={"Metadata": {"a": "b"}})
    back = io.BytesIO()
    bucket.download_fileobj(key, back, Config=IN_PARTS)
    assert back.getvalue() == body, f"{key} came back as something else"
    there = bucket.Object(key)
    return [key, there.e_tag, there.content_length, there.metadata,
            hashlib.sha256(back.getvalue()).hexdigest()]


def copied(bucket, source, key):
    bucket.copy({"Bucket": source, "Key": key}, "copied", Config=IN_PARTS)
    return hashlib.sha256(bucket.Object("copied").get()["Body"].read()).hexdigest()


def unchanged(bucket, key):
    there = bucket.Object(key)
    return attempt(lambda: there.get(IfNoneMatch=there.e_tag)["ETag"])


def presigned(client, bucket):
    where = {"Bucket": bucket.name, "Key": "presigned"}
    link = client.generate_presigned_url("put_object", Params=where)
    request = urllib.request.Request(link, data=b"by whoever has the link", method="PUT")
    statuses = [urllib.request.urlopen(request, timeout=30).status]
    link = client.generate_presigned_url("get_object", Params=where)
    with urllib.request.urlopen(link, timeout=30) as answer:
        return [*statuses, answer.status, answer.read().decode()]


def main(url, region, key, secret, name, other, whole=""):
    sizes = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 100 * MIB] if whole else [1, 8 * MIB + 1]
    style = url if url in ("auto", "path") else None
    s3 = boto3.resource(
        "s3", endpoint_url=None if style else url, region_name=region, aws_access_key_id=key,
        aws_secret_access_key=secret, config=botocore.config.Config(
            signature_version="s3v4", retries={"max_attempts": 1}, s3={"addressing_style": style or "path"}))
    bucket = s3.Bucket(name)
    results = {
        "there and back": [there_and_back(bucket, f"size/{size}", size) for size in sizes],
        "odd keys": [attempt(there_and_back, bucket, f"odd/{key}", 8) for key in ODD_KEYS],
        "copies": [copied(bucket, source, f"size/{sizes[-1]}") for source in (name, other)],
        "unchanged": unchanged(bucket, "size/1"),
        "presigned": presigned(s3.meta.client, bucket),
        "pages": [[each.bucket_name, each.key, each.size] for each in
                  bucket.objects.filter(Prefix="odd/").page_size(3)],
        "versions": attempt(lambda: [each.object_key for each in bucket.object_versions.all()]),
        "gone": sorted(each["Key"] for page in bucket.objects.delete() for each in page["Deleted"]),
        "left": [each.key for each in bucket.objects.all()],
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
