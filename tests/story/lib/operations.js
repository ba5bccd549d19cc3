// What an application does with its bucket, by the AWS SDK for JavaScript, as a program.
//
//   NODE_PATH=… node operations.js URL REGION KEY-ID SECRET BUCKET OTHER-BUCKET [whole]
//
// It prints the results as JSON: the same wherever the bucket is. URL "auto" is no endpoint at all,
// and "path" none but a path-style client.
"use strict";
const { createHash } = require("node:crypto");
const { S3 } = require("@aws-sdk/client-s3");
const sdk = require("@aws-sdk/client-s3");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const [url, region, accessKeyId, secretAccessKey, Bucket, other, whole] = process.argv.slice(2);
const MIB = 1 << 20;
const SIZES = whole ? [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1] : [0, 1];
const PARTS = whole ? Array(12).fill(8 * MIB).concat(4 * MIB) : [5 * MIB, 1];
const ODD_KEYS = ["a b", "a+b", "a%2Fb", "ü/日本", "a=b&c", "~x", "a//b", "shop-us"];

const endpoint = url === "auto" || url === "path" ? undefined : url;
const s3 = new S3({ endpoint, region, credentials: { accessKeyId, secretAccessKey },
  forcePathStyle: url !== "auto", maxAttempts: 1 });

const digest = (body) => createHash("sha256").update(body).digest("hex");
const bytesOf = (size) => Buffer.alloc(size, "0123456789abcdef");
const failed = (error) => [error.name, error.$metadata?.httpStatusCode, error.BucketName];

// With Amazon's names the host too; not the scheme, for TLS may end before the server.
const whereIs = (location) =>
  endpoint ? new URL(location, endpoint).pathname : location.replace(/^https?:/, "");

async function get(Key, more) {
  const got = await s3.getObject({ Bucket, Key, ...more });
  return [got.ETag, got.ContentRange, got.Metadata, digest(await got.Body.transformToByteArray())];
}

async function putAndGet() {
  const results = [];
  for (const size of SIZES) {
    const put = await s3.putObject({ Bucket, Key: `size/${size}`, Body: bytesOf(size),
      Metadata: { size: String(size) } });
    results.push(put.ETag, put.ChecksumCRC32, await get(`size/${size}`));
  }
  const etag = results[0];
  results.push(await get("size/1", { Range: "bytes=0-0" }));
  results.push(await get("size/0", { IfNoneMatch: etag }).catch(failed));
  results.push(await get("size/0", { IfMatch: '"other"' }).catch(failed));
  results.push(await get("not there").catch(failed));
  results.push(await s3.headObject({ Bucket, Key: "not there" }).catch(failed));
  const head = await s3.headObject({ Bucket, Key: "size/1" });
  return [...results, head.ETag, head.ContentLength, head.Metadata];
}

async function oddKeys() {
  const results = [];
  for (const key of ODD_KEYS) {
    const put = await s3.putObject({ Bucket, Key: `odd/${key}`, Body: key }).catch(failed);
    results.push(put.ETag ?? put, await get(`odd/${key}`).catch(failed));
  }
  return results;
}

async function listings() {
  const flat = await s3.listObjects({ Bucket, Prefix: "odd/", Delimiter: "/" });
  const pages = [];
  for await (const page of sdk.paginateListObjectsV2({ client: s3, pageSize: 3 }, { Bucket })) {
    pages.push([page.Name, page.Contents.map((each) => each.Key)]);
  }
  return [flat.Name, flat.Contents.map((each) => each.Key), flat.CommonPrefixes, pages];
}

async function copies() {
  const results = [];
  for (const bucket of [Bucket, other]) {
    await s3.copyObject({ Bucket, Key: "copied", CopySource: `${bucket}/odd/a%20b` });
    results.push(await get("copied"));
  }
  return results;
}

async function inParts() {
  const begun = await s3.createMultipartUpload({ Bucket, Key: "parts",
    ChecksumAlgorithm: "CRC32" });
  const where = { Bucket, Key: "parts", UploadId: begun.UploadId };
  const Parts = [];
  for (const size of PARTS) {
    const PartNumber = Parts.length + 1;
    const part = await s3.uploadPart({ ...where, PartNumber, Body: bytesOf(size) });
    Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }
  const listed = await s3.listParts(where);
  const done = await s3.completeMultipartUpload({ ...where, MultipartUpload: { Parts } });
  return [begun.Bucket, listed.Bucket, listed.Parts.map((each) => each.Size), done.Bucket,
    whereIs(done.Location), await get("parts")];
}

async function presigned() {
  const where = { Bucket, Key: "presigned" };
  const body = "by whoever has the link";
  const put = await getSignedUrl(s3, new sdk.PutObjectCommand(where), { expiresIn: 60 });
  const done = await fetch(put, { method: "PUT", body });
  const got = await fetch(await getSignedUrl(s3, new sdk.GetObjectCommand(where)));
  return [done.status, got.status, await got.text()];
}

async function deletes() {
  const all = (await s3.listObjectsV2({ Bucket })).Contents.map(({ Key }) => ({ Key }));
  const gone = await s3.deleteObjects({ Bucket, Delete: { Objects: all } });
  return [gone.Deleted.map((each) => each.Key).sort(), gone.Errors,
    (await s3.listObjectsV2({ Bucket })).KeyCount];
}

async function main() {
  const where = await s3.getBucketLocation({ Bucket });
  const results = { location: where.LocationConstraint };
  for (const step of [putAndGet, oddKeys, listings, copies, inParts, presigned, deletes]) {
    results[step.name] = await step();
  }
  console.log(JSON.stringify(results));
}

main();
