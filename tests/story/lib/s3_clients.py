"""The clients of S3 that applications use, as tables: how each says the operations of one script.

    client = Client("rclone", url, region, bucket, folder)
    client.tell(script)         # [[operation, exit status, what it printed, digest of what it got], …]

What a client has no word for is left out of its script. What differs between two runs of any server
(dates, ids, addresses, folders) is left out of what it printed."""
import hashlib
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request

from lib.operations import bytes_of
from lib.versity import KEY, PEERS, SECRET


def api(verb, *words):
    return ["s3api", verb, "--bucket", "{bucket}", *words]


AWS = {
    "put": api("put-object", "--key", "{key}", "--body", "{file}", "--metadata", "a=b"),
    "get": api("get-object", "--key", "{key}", "{out}"),
    "head": api("head-object", "--key", "{key}"),
    "part of it": api("get-object", "--key", "{key}", "--range", "bytes=5-9", "{out}"),
    "get if changed": api("get-object", "--key", "{key}", "--if-none-match", "{etag}", "{out}"),
    "get if it is another": api("get-object", "--key", "{key}", "--if-match", '"other"', "{out}"),
    "list": api("list-objects"),
    "list in pages": api("list-objects-v2", "--page-size", "3"),
    "list a folder": api("list-objects-v2", "--prefix", "odd/", "--delimiter", "/"),
    "copy": api("copy-object", "--key", "{to}", "--copy-source", "{bucket}/{key}"),
    "upload": ["s3", "cp", "--only-show-errors", "{file}", "s3://{bucket}/{key}"],
    "download": ["s3", "cp", "--only-show-errors", "s3://{bucket}/{key}", "{out}"],
    "copy in parts": ["s3", "cp", "--only-show-errors", "s3://{bucket}/{key}", "s3://{bucket}/{to}"],
    "where": api("get-bucket-location"),
    "uploads": api("list-multipart-uploads"),
    "presign": ["s3", "presign", "s3://{bucket}/{key}"],
    "delete many": api("delete-objects", "--delete", "Objects=[{{Key=copied}},{{Key=size/1}}]"),
    "empty": ["s3", "rm", "--recursive", "--only-show-errors", "s3://{bucket}/"],
}
RCLONE = {
    "put": ["copyto", "{file}", "s3:{bucket}/{key}"],
    "get": ["copyto", "s3:{bucket}/{key}", "{out}"],
    "head": ["lsjson", "--stat", "--metadata", "--hash", "s3:{bucket}/{key}"],
    "part of it": ["cat", "--offset", "5", "--count", "5", "s3:{bucket}/{key}"],
    "list": ["lsf", "--recursive", "s3:{bucket}"],
    "list in pages": ["lsf", "--recursive", "--s3-list-chunk", "3", "--s3-list-version", "2",
                      "s3:{bucket}"],
    "list a folder": ["lsf", "s3:{bucket}/odd"],
    "copy": ["copyto", "s3:{bucket}/{key}", "s3:{bucket}/{to}"],
    "upload": ["copyto", "--s3-chunk-size", "8M", "--s3-upload-cutoff", "8M", "{file}",
               "s3:{bucket}/{key}"],
    "download": ["copyto", "--multi-thread-cutoff", "8M", "s3:{bucket}/{key}", "{out}"],
    "copy in parts": ["copyto", "--s3-copy-cutoff", "8M", "s3:{bucket}/{key}", "s3:{bucket}/{to}"],
    "check": ["check", "--download", "s3:{bucket}/size", "s3:{bucket}/size"],
    "presign": ["link", "s3:{bucket}/{key}"],
    "empty": ["delete", "s3:{bucket}"],
}
S3CMD = {
    "put": ["put", "{file}", "s3://{bucket}/{key}"],
    "get": ["get", "--force", "s3://{bucket}/{key}", "{out}"],
    "head": ["info", "s3://{bucket}/{key}"],
    "list": ["ls", "--recursive", "s3://{bucket}"],
    "list in pages": ["ls", "--recursive", "--limit", "3", "s3://{bucket}"],
    "list a folder": ["ls", "s3://{bucket}/odd/"],
    "copy": ["cp", "s3://{bucket}/{key}", "s3://{bucket}/{to}"],
    "upload": ["put", "--multipart-chunk-size-mb=8", "{file}", "s3://{bucket}/{key}"],
    "download": ["get", "--force", "s3://{bucket}/{key}", "{out}"],
    "copy in parts": ["cp", "--multipart-chunk-size-mb=8", "s3://{bucket}/{key}",
                      "s3://{bucket}/{to}"],
    "where": ["info", "s3://{bucket}"],
    "uploads": ["multipart", "s3://{bucket}"],
    "delete many": ["del", "s3://{bucket}/copied", "s3://{bucket}/size/1"],
    "empty": ["del", "--recursive", "--force", "s3://{bucket}/"],
}
S5CMD = {
    "put": ["cp", "{file}", "s3://{bucket}/{key}"],
    "get": ["cp", "--raw", "s3://{bucket}/{key}", "{out}"],
    "head": ["head", "--raw", "s3://{bucket}/{key}"],
    "list": ["--use-list-objects-v1", "ls", "--etag", "s3://{bucket}/*"],
    "list in pages": ["ls", "--etag", "s3://{bucket}/*"],
    "list a folder": ["ls", "s3://{bucket}/odd/"],
    "copy": ["cp", "--raw", "s3://{bucket}/{key}", "s3://{bucket}/{to}"],
    "upload": ["cp", "--part-size", "8", "{file}", "s3://{bucket}/{key}"],
    "download": ["cp", "--part-size", "8", "s3://{bucket}/{key}", "{out}"],
    "presign": ["presign", "s3://{bucket}/{key}"],
    "delete many": ["rm", "s3://{bucket}/copied", "s3://{bucket}/size/1"],
    "empty": ["rm", "s3://{bucket}/*"],
}

# {name: (program, its options, its words)}
CLIENTS = {
    "Debian's awscli": ("/usr/bin/aws", ["--endpoint-url", "{url}"], AWS),
    "the newest awscli": (PEERS / "python/bin/aws", ["--endpoint-url", "{url}"], AWS),
    "rclone": ("/usr/bin/rclone", ["--retries", "1", "--low-level-retries", "1", "-q"], RCLONE),
    "s3cmd": ("/usr/bin/s3cmd", [
        "--config", "/dev/null", "--no-ssl", "--host={host}", "--host-bucket={host}", "--no-progress",
        "--access_key", KEY, "--secret_key", SECRET, "--region={region}", "--no-check-md5"], S3CMD),
    "s5cmd": (PEERS / "python/bin/s5cmd", ["--endpoint-url", "{url}", "--retry-count", "0"], S5CMD),
}
# {name: (its options without an endpoint, what names the CA in its environment)}
UNCHANGED = {
    "Debian's awscli": ([], "AWS_CA_BUNDLE"),
    "the newest awscli": ([], "AWS_CA_BUNDLE"),
    "rclone": ([*CLIENTS["rclone"][1], "--ca-cert", "{ca}"], None),
    "s3cmd": ([option.replace("--no-ssl", "--ca-certs={ca}").replace(
        "--host-bucket=", "--host-bucket=%(bucket)s.") for option in CLIENTS["s3cmd"][1]], None),
    "s5cmd": (["--retry-count", "0"], "SSL_CERT_FILE"),
}
VARYING = [
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "DATE"),
    (r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "DATE"),
    (r"mtime:[\d.]+|s3cmd-attrs:.*|(?<=[?&])X-Amz-[^&]*&?", ""),
    (r"in [\d.-]+ seconds?, -?[\d.]+ \w+/s", "TIME"),
    (r"(?i)((request|host) ?id:? *)[\w/+=-]+", r"\1ID"),
]


class Client:
    def __init__(self, name, url, region, bucket, folder):
        self.program, self.options, self.words = CLIENTS[name]
        self.url, self.folder = url, folder
        self.values = {"url": url, "host": url.partition("//")[2], "region": region,
                       "bucket": bucket}
        self.out = folder / "out"
        self.config = folder / "config"  # links are signed by version 2 otherwise
        self.config.write_text("[default]\ns3 =\n  signature_version = s3v4\n")

    @staticmethod
    def is_missing(name):
        return not os.access(CLIENTS[name][0], os.X_OK)

    def environment(self):
        of_rclone = {"TYPE": "s3", "PROVIDER": "Other", "ENV_AUTH": "true",
                     "ENDPOINT": self.url, "REGION": self.values["region"],
                     "NO_CHECK_BUCKET": "true", "FORCE_PATH_STYLE": "true"}
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                "AWS_CONFIG_FILE": str(self.config), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": KEY, "AWS_PAGER": "",
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": self.values["region"],
                "AWS_DEFAULT_REGION": self.values["region"], "AWS_MAX_ATTEMPTS": "1",
                **{f"RCLONE_CONFIG_S3_{key}": value for key, value in of_rclone.items()}}

    def file(self, size):
        path = self.folder / f"{size} bytes"
        if not path.exists():
            path.write_bytes(bytes_of(size))
            os.utime(path, (0, 0))
        return path

    def plain(self, text):
        """What it printed, without what no two runs have in common; side by side means any order."""
        text = text.replace(str(self.folder), "FOLDER").replace(self.values["host"], "HOST")
        for pattern, word in VARYING:
            text = re.sub(pattern, word, text)
        return sorted(text.splitlines())

    def start(self, command):
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=300, capture_output=True,
                              env=self.environment(), cwd=self.folder)

    def run(self, operation, values):
        if self.out.is_dir():
            shutil.rmtree(self.out)
        self.out.unlink(missing_ok=True)
        values = {**self.values, "out": self.out, **values}
        words = [word.format(**values) for word in (*self.options, *self.words[operation])]
        done = self.start([self.program, *words])
        return done.returncode, (done.stdout + done.stderr).decode()

    def got(self):
        return hashlib.sha256(self.out.read_bytes()).hexdigest() if self.out.is_file() else None

    def tell(self, script):
        results = []
        for operation, values in script:
            if operation not in self.words:
                continue
            if "size" in values:
                values = {**values, "file": self.file(values["size"])}
            status, text = self.run(operation, values)
            if operation == "presign":
                text = self.fetch(text.strip())
            results.append([operation, values.get("key"), status, self.plain(text), self.got()])
        return results

    def fetch(self, url):
        """What whoever has the link gets."""
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return f"{answer.status} {hashlib.sha256(answer.read()).hexdigest()}"
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()}"


class Unchanged(Client):
    """With what every application has, its region and its keys, on a host of lib/amazon.py."""

    def __init__(self, name, host, region, bucket, folder):
        super().__init__(name, f"https://s3.{region}.amazonaws.com", region, bucket, folder)
        self.options, self.variable = UNCHANGED[name]
        self.host, self.values["ca"] = host, host.ca

    def environment(self):
        mine = {name: value for name, value in super().environment().items()
                if name not in ("RCLONE_CONFIG_S3_ENDPOINT", "RCLONE_CONFIG_S3_FORCE_PATH_STYLE")}
        mine["RCLONE_CONFIG_S3_PROVIDER"] = "AWS"
        return {**mine, **({self.variable: str(self.host.ca)} if self.variable else {})}

    def start(self, command):
        return self.host.run(*command, env=self.environment(), cwd=self.folder)

    def fetch(self, url):
        done = self.host.run("curl", "-sS", "--cacert", self.host.ca, "-w", "%{http_code}", url, env={})
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()
