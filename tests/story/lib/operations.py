"""What an application does with its bucket, as a program: whichever botocore runs it.

    operations.py URL REGION KEY-ID SECRET BUCKET OTHER-BUCKET [PART]…    prints the results as JSON

URL may be no endpoint but one of STYLES: Amazon's own hosts, as such a client writes them. The results are
the same wherever the bucket is: what differs between two runs of any server (dates, ids, ETags of uploads
in parts) is left out."""
import hashlib
import io
import json
import sys
import urllib.request

import botocore.config
import botocore.session
from botocore.exceptions import ClientError

MIB = 1 << 20
SIZES = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1]
ODD_KEYS = ["a b", "a+b", "a%2Fb", "ü/日本", "a=b&c", "~x", "shop-eu/shop-us"]
STYLES = {
    "auto": {"addressing_style": "auto"},  # what botocore does by itself
    "path": {"addressing_style": "path"},
    "dualstack": {"addressing_style": "auto", "use_dualstack_endpoint": True},
}


def client_of(url, region, key, secret, **options):
    return botocore.session.Session().create_client(
        "s3", region_name=region, endpoint_url=url, aws_access_key_id=key,
        aws_secret_access_key=secret, config=botocore.config.Config(
            signature_version="s3v4", retries={"max_attempts": 1},
            s3={**STYLES["path"], **options}))


def digest(body):
    return hashlib.sha256(body).hexdigest()


def bytes_of(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


def put_and_get(s3, bucket):
    results = []
    for size in SIZES:
        body = bytes_of(size)
        put = s3.put_object(Bucket=bucket, Key=f"size/{size}", Body=io.BytesIO(body),
                            Metadata={"size": str(size)})
        got = s3.get_object(Bucket=bucket, Key=f"size/{size}")
        results.append([put["ETag"], got["ETag"], got["Metadata"], digest(got["Body"].read())])
    part = s3.get_object(Bucket=bucket, Key=f"size/{8 * MIB}", Range="bytes=5-9")
    results.append([part["ContentRange"], part["Body"].read().decode()])
    head = s3.head_object(Bucket=bucket, Key=f"size/{8 * MIB}")
    results.append([head["ContentLength"], head["ETag"]])
    return results


def odd_keys(s3, bucket):
    results = []
    for key in ODD_KEYS:
        s3.put_object(Bucket=bucket, Key=f"odd/{key}", Body=key.encode())
        results.append(s3.get_object(Bucket=bucket, Key=f"odd/{key}")["Body"].read().decode())
    return results


def listings(s3, bucket):
    flat = s3.list_objects(Bucket=bucket, Prefix="odd/")
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=3)
    second = s3.list_objects_v2(Bucket=bucket, MaxKeys=100,
                                ContinuationToken=first["NextContinuationToken"])
    return [flat["Name"], [each["Key"] for each in flat["Contents"]], first["Name"],
            [each["Key"] for each in first["Contents"] + second["Contents"]]]


def copies(s3, bucket, other):
    results = []
    for source in ({"Bucket": bucket, "Key": "odd/a b"}, {"Bucket": other, "Key": "odd/a b"}):
        s3.copy_object(Bucket=bucket, Key="copied", CopySource=source)
        results.append(s3.get_object(Bucket=bucket, Key="copied")["Body"].read().decode())
    return results


def in_parts(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    where = {"Bucket": bucket, "Key": "parts", "UploadId": begun["UploadId"]}
    parts = []
    for number, size in ((1, 5 * MIB), (2, 1)):
        part = s3.upload_part(PartNumber=number, Body=bytes_of(size), **where)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    listed = s3.list_parts(**where)
    uploads = s3.list_multipart_uploads(Bucket=bucket)
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    body = s3.get_object(Bucket=bucket, Key="parts")["Body"].read()
    left = s3.create_multipart_upload(Bucket=bucket, Key="given-up")
    s3.abort_multipart_upload(Bucket=bucket, Key="given-up", UploadId=left["UploadId"])
    return [begun["Bucket"], listed["Bucket"], uploads["Bucket"], done["Bucket"], digest(body),
            [each["Size"] for each in listed["Parts"]],
            any(each["UploadId"] == begun["UploadId"] for each in uploads["Uploads"])]


def errors(s3, bucket):
    results = []
    for call, options in ((s3.get_object, {"Key": "not there"}), (s3.head_object, {"Key": "no"}),
                          (s3.get_object, {"Key": "odd/a b", "IfMatch": '"other"'})):
        try:
            call(Bucket=bucket, **options)
        except ClientError as error:
            results.append([error.response["Error"]["Code"],
                            error.response["ResponseMetadata"]["HTTPStatusCode"],
                            error.response["Error"].get("BucketName")])
    return results


def presigned(s3, bucket):
    where = {"Bucket": bucket, "Key": "presigned"}
    put = s3.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    request = urllib.request.Request(put, data=b"by whoever has the link", method="PUT")
    statuses = [urllib.request.urlopen(request, timeout=30).status]
    get = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    with urllib.request.urlopen(get, timeout=30) as answer:
        return [*statuses, answer.status, answer.read().decode()]


def deletes(s3, bucket):
    s3.delete_object(Bucket=bucket, Key="copied")
    keys = [f"odd/{key}" for key in ODD_KEYS]
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    return [sorted(each["Key"] for each in gone["Deleted"]),
            s3.list_objects_v2(Bucket=bucket, Prefix="odd/")["KeyCount"]]


def clean(s3, bucket):
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=each["Key"])


def main(url, region, key, secret, bucket, other, *parts):
    s3 = client_of(None if url in STYLES else url, region, key, secret, **STYLES.get(url, {}))
    results = {
        "put and get": lambda: put_and_get(s3, bucket),
        "odd keys": lambda: odd_keys(s3, bucket),
        "listings": lambda: listings(s3, bucket),
        "copies": lambda: copies(s3, bucket, other),
        "in parts": lambda: in_parts(s3, bucket),
        "errors": lambda: errors(s3, bucket),
        "presigned": lambda: presigned(s3, bucket),
        "location": lambda: s3.get_bucket_location(Bucket=bucket)["LocationConstraint"],
        "deletes": lambda: deletes(s3, bucket)}
    if not parts:
        clean(s3, bucket)
    print(json.dumps({part: results[part]() for part in parts or results}))


if __name__ == "__main__":
    main(*sys.argv[1:])
