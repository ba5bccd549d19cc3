"""Certificates of a story's own: a CA and the leaves that it signs, made by openssl(1)."""
import pathlib
import subprocess


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60)


class Authority:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key, self.certificate = self.folder / "ca.key", self.folder / "ca.pem"
        self.make_key(self.key)
        openssl("req", "-x509", "-key", self.key, "-subj", "/CN=a story's CA", "-days", "2",
                "-out", self.certificate)

    @staticmethod
    def make_key(path):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def leaf(self, name):
        """(certificate, key) for "DNS:…" or "IP:…"; more behind commas."""
        base = self.folder / name.partition(",")[0].replace(":", "-")
        key, request, names, leaf = (f"{base}.{end}" for end in ("key", "csr", "names", "pem"))
        self.make_key(key)
        openssl("req", "-new", "-key", key, "-subj", "/CN=leaf", "-out", request)
        pathlib.Path(names).write_text(f"subjectAltName={name}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", "2", "-extfile", names, "-out", leaf)
        return leaf, key

    def self_signed(self, name):
        key, leaf = self.folder / "self.key", self.folder / "self.pem"
        self.make_key(key)
        openssl("req", "-x509", "-key", key, "-subj", "/CN=self", "-days", "2", "-addext",
                f"subjectAltName={name}", "-out", leaf)
        return leaf, key
