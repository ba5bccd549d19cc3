"""DNS messages byte by byte, for what no library would write."""
import struct

A, NS, CNAME, SOA, TXT, AAAA, OPT, TSIG, ANY = 1, 2, 5, 6, 16, 28, 41, 250, 255
QR, TC, RD, RA = 0x8000, 0x0200, 0x0100, 0x0080
QUESTION_AT = b"\xc0\x0c"  # a pointer to the first question's name


def name(text):
    labels = text.rstrip(".").encode().split(b".") if text.strip(".") else []
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def header(id_=0x1234, flags=RD, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", id_, flags, qd, an, ns, ar)


def question(owner, type_=A, class_=1):
    owner = owner if isinstance(owner, bytes) else name(owner)
    return owner + struct.pack("!HH", type_, class_)


def record(owner, type_, rdata, ttl=60, class_=1, rdlength=None):
    owner = owner if isinstance(owner, bytes) else name(owner)
    size = len(rdata) if rdlength is None else rdlength
    return owner + struct.pack("!HHIH", type_, class_, ttl, size) + rdata


def opt(size=1232, version=0, flags=0, rdata=b"", owner=b"\0", rdlength=None):
    return record(owner, OPT, rdata, version << 16 | flags, size, rdlength)


def tsig():
    rdata = name("hmac-sha256.") + b"\0" * 6 + struct.pack("!HH", 300, 0) + \
        struct.pack("!HHH", 0x1234, 0, 0)
    return record("key.example.", TSIG, rdata, 0, ANY)


def query(owner, type_=A, tail=b"", id_=0x1234, flags=RD, class_=1, **counts):
    return header(id_, flags, **{"qd": 1, **counts}) + question(owner, type_, class_) + tail
