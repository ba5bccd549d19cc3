"""What the gateway does to requests for S3, seen from both sides: what passes, what is verified and
signed anew, whose names everybody sees, and that nobody unsigned gets signed."""
import base64
import hashlib
import json
import re
import time

import pytest

from lib.daemon import EU, US
from lib.http import connect
from lib.machine import eventually
from lib.s3 import S3
from lib.sigv4 import Signer, crc32, sha256, written

PORT = 8080
BUCKETS = {EU: "shop-eu", US: "shop-us"}
APP = Signer("AKIDAPP", "the/app's+secret", EU)
THERE = Signer("AKIDAPP", "the/app's+secret", US)
HOST_KEY = Signer("AKIDHOST", "the-host's-secret", US)
BODY = b"hello " * 20000


@pytest.fixture
def eu(house):
    return house.keep(S3())


@pytest.fixture
def us(house):
    return house.keep(S3())


@pytest.fixture
def gateway(house, eu, us):
    daemon = house.daemon(endpoints={"assets": {
        "type": "bucket", "group": "static", "buckets": BUCKETS, "names": ["assets.internal"]}})
    keys = {}
    for name, signer in (("app", APP), ("host", HOST_KEY)):
        (daemon.folder / name).write_text(signer.secret + "\n")
        keys[name] = {"access_key_id": signer.key,
                      "secret_access_key_file": str(daemon.folder / name)}
    daemon.write_config(proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:{PORT}", "s3_endpoints": {EU: eu.url, US: us.url},
        "clients": [keys["app"]], "credentials": keys["host"]})
    return daemon.start()


@pytest.fixture
def moved(gateway):
    gateway.switch(US, "--group", "static")
    return gateway


@pytest.fixture
def client(house, gateway):
    return house.keep(connect(gateway.address, PORT))


def own_host(gateway):
    return f"{gateway.address}:{PORT}"


def host_of(store):
    return f"{store.address}:{store.port}"


def ask(client, method, host, target, body=b"", more=None, signer=APP):
    client.send(signer.request(method, host, target, body, more))
    return client.answer(to=method)


def number(gateway, name):
    wire = connect(gateway.address, 9353)
    wire.send(b"GET /metrics HTTP/1.0\r\nHost: h\r\n\r\n")
    page = wire.answer().body.decode()
    wire.close()
    return int(float(re.search(rf"^{re.escape(name)} (.*)$", page, re.M)[1]))


def code_of(answer):
    return answer.status, re.search(rb"<Code>(.*)</Code>", answer.body)[1].decode()


# -- what passes ----------------------------------------------------------------------------------

def test_what_needs_no_new_name_keeps_its_signature(client, eu):
    sent = APP.request("PUT", host_of(eu), "/shop-eu/a%2Fb", BODY, {"x-amz-meta-a": "b"})
    client.send(sent)
    assert client.answer().status == 200
    assert {line for line in eu.requests[0].raw_head.lower().split(b"\r\n")} == \
        {line for line in sent.split(b"\r\n\r\n")[0].lower().split(b"\r\n")}
    assert eu.objects["/shop-eu/a%2Fb"] == BODY


def test_keys_that_could_not_be_verified_are_counted_while_they_pass(client, eu, gateway):
    counted = "pilotlight_gateway_unverified_keys_total"
    stranger = Signer("AKIDSTRANGER", "?", EU)
    ask(client, "PUT", host_of(eu), "/shop-eu/key", b"x")
    assert number(gateway, counted) == 0
    assert ask(client, "GET", host_of(eu), "/shop-eu/key", signer=stranger).body == b"x"
    client.send(written("GET", stranger.presigned("GET", host_of(eu), "/shop-eu/key"),
                        {"host": host_of(eu)}))
    assert client.answer().body == b"x"
    client.send(written("GET", "/shop-eu/key", {"host": host_of(eu)}))
    assert client.answer().body == b"x"
    assert number(gateway, counted) == 2


def test_ready_fails_for_a_day_after_a_key_that_is_not_known(client, eu, gateway):
    def keys():
        rows = json.loads(gateway.cli("ready", "--json", US).out)["rows"]
        return [row["status"] for row in rows if row["check"] == "key"]
    ask(client, "GET", host_of(eu), "/shop-eu/key")
    assert keys() == ["pass"]
    ask(client, "GET", host_of(eu), "/shop-eu/key", signer=Signer("AKIDSTRANGER", "?", EU))
    eventually(lambda: keys() == ["fail"], "a new look is taken")


# -- what is signed anew --------------------------------------------------------------------------

@pytest.mark.parametrize("host", ["own address", "custom name"])
def test_a_name_of_our_own_is_always_signed_anew(client, eu, gateway, host):
    path = "/shop-eu/key" if host == "own address" else "/key"
    host = own_host(gateway) if host == "own address" else "assets.internal"
    assert ask(client, "PUT", host, path, BODY).status == 200
    APP.judge(eu.requests[0])
    assert eu.requests[0]["Host"] == host_of(eu)
    assert eu.objects["/shop-eu/key"] == BODY
    assert ask(client, "GET", host, path).body == BODY


def test_after_a_switch_the_other_bucket_gets_it_signed_for_its_region(client, eu, us, moved):
    assert ask(client, "PUT", host_of(eu), "/shop-eu/a%20b%2F", BODY,
               {"x-amz-meta-a": "b", "x-amz-copy-source-range": "x"}).status == 200
    THERE.judge(us.requests[0])
    assert us.objects["/shop-us/a%20b%2F"] == BODY
    assert not eu.requests


def test_a_copys_source_is_renamed_too(client, eu, us, moved):
    ask(client, "PUT", host_of(eu), "/shop-eu/key", more={"x-amz-copy-source": "shop-eu/a%20b"})
    ask(client, "PUT", host_of(eu), "/shop-eu/key", more={"x-amz-copy-source": "/others/a"})
    for request in us.requests:
        THERE.judge(request)
    assert [request["x-amz-copy-source"] for request in us.requests] == ["shop-us/a%20b",
                                                                        "/others/a"]


def test_a_presigned_link_becomes_a_signed_request(client, eu, us, moved):
    us.objects["/shop-us/key"] = b"abc"
    target = APP.presigned("GET", host_of(eu), "/shop-eu/key?response-content-type=text%2Fplain")
    client.send(written("GET", target, {"host": host_of(eu)}))
    assert client.answer().body == b"abc"
    assert us.requests[0].target == "/shop-us/key?response-content-type=text%2Fplain"
    THERE.judge(us.requests[0])


def test_an_anonymous_request_stays_anonymous(client, eu, us, moved):
    us.objects["/shop-us/key"] = b"abc"
    client.send(written("GET", "/shop-eu/key", {"host": host_of(eu)}))
    assert client.answer().body == b"abc"
    assert us.requests[0]["Authorization"] is None
    assert us.requests[0]["Host"] == host_of(us)


@pytest.mark.parametrize("trailer", [None, ("x-amz-checksum-crc32", crc32(BODY))])
def test_a_body_in_signed_pieces_is_cut_and_signed_anew(client, eu, us, moved, trailer):
    head, body = APP.pieces(host_of(eu), "/shop-eu/key", [BODY[:70000], BODY[70000:]], trailer)
    client.send(head + body)
    assert client.answer().status == 200
    got = us.requests[0]
    THERE.judge(got)
    pieces = [BODY[at:at + 16384] for at in range(0, len(BODY), 16384)]
    assert got.body == THERE.chain(got["x-amz-date"], got["Authorization"][-64:], pieces, trailer)


def test_unsigned_pieces_pass_as_they_are(client, eu, us, moved):
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + crc32(b"hello").encode() + b"\r\n\r\n"
    headers = APP.headers("PUT", host_of(eu), "/shop-eu/key", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", {
        "content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32"})
    client.send(written("PUT", "/shop-eu/key", {**headers, "content-length": len(body)}) + body)
    assert client.answer().status == 200
    THERE.judge(us.requests[0])
    assert us.objects["/shop-us/key"] == body


# -- read-through ---------------------------------------------------------------------------------

def read_through(gateway):
    gateway.write_config(endpoints={"assets": {"read_through": True}})
    gateway.cli("reload", expect=0)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_replicated_yet_is_read_from_the_other_region(client, eu, us, moved, method):
    eu.objects["/shop-eu/late"] = b"abc"
    assert ask(client, method, host_of(eu), "/shop-eu/late").status == 404
    assert not eu.requests
    read_through(moved)
    answer = ask(client, method, host_of(eu), "/shop-eu/late")
    assert (answer.status, answer["Content-Length"]) == (200, "3")
    answer = ask(client, method, own_host(moved), "/shop-us/late")
    assert (answer.status, answer["Content-Length"]) == (200, "3")
    for request in us.requests:
        THERE.judge(request)
    for request in eu.requests:
        APP.judge(request)
    assert number(moved, 'pilotlight_gateway_read_through_total{outcome="found"}') == 2


def test_what_is_nowhere_is_missing_and_a_lost_region_costs_nothing(client, eu, us, moved):
    read_through(moved)
    missing = ask(client, "GET", host_of(eu), "/shop-eu/nowhere")
    assert code_of(missing) == (404, "NoSuchKey")
    assert len(eu.requests) == len(us.requests) == 1
    eu.close()
    assert code_of(ask(client, "GET", host_of(eu), "/shop-eu/nowhere")) == (404, "NoSuchKey")
    assert number(moved, 'pilotlight_gateway_read_through_total{outcome="missing"}') == 1
    assert number(moved, 'pilotlight_gateway_read_through_total{outcome="silent"}') == 1


# -- forms ----------------------------------------------------------------------------------------

BOUNDARY = "----pilotlight"


def form(fields, file=BODY):
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]
    parts += [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
              "Content-Type: image/jpeg\r\n\r\n"]
    return "".join(parts).encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def fields_of(body):
    parts = body.split(f"--{BOUNDARY}\r\n".encode())[1:]
    return {re.search(rb'name="(.*?)"', part)[1].decode().lower():
            part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in parts}


def signed_form(signer, bucket, **more):
    stamp = signer.time()
    fields = {"key": "up/${filename}", "bucket": bucket, "x-amz-algorithm": "AWS4-HMAC-SHA256",
              "x-amz-credential": f"{signer.key}/{signer.scope(stamp)}", "x-amz-date": stamp, **more}
    conditions = [["starts-with", "$key", "up/"], ["content-length-range", 0, 1 << 30],
                  *({name: value} for name, value in fields.items() if name != "key")]
    policy = base64.b64encode(json.dumps({
        "expiration": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 60)),
        "conditions": conditions}).encode()).decode()
    return form({**fields, "policy": policy, "x-amz-signature": signer.hmac(stamp, policy)})


def upload(client, host, target, body):
    client.send(written("POST", target, {
        "host": host, "content-length": len(body),
        "content-type": f"multipart/form-data; boundary={BOUNDARY}"}) + body)
    return client.answer(to="POST")


def test_a_browsers_upload_is_signed_for_the_other_bucket(client, eu, us, moved):
    us.script("/shop-us", lambda wire, request: (us.read_body(wire, request), us.reply(
        wire, 201, b"<PostResponse><Location>" + us.url.encode() + b"/shop-us/up/a.jpg</Location>"
        b"<Bucket>shop-us</Bucket><Key>up/a.jpg</Key></PostResponse>",
        "Content-Type: application/xml\r\n"))[1])
    sent = signed_form(APP, "shop-eu", success_action_status="201")
    answer = upload(client, host_of(eu), "/shop-eu", sent)
    assert answer.status == 201
    assert b"<Bucket>shop-eu</Bucket>" in answer.body and b"shop-us" not in answer.body
    got = fields_of(us.requests[0].body)
    stamp, policy = got["x-amz-date"].decode(), got["policy"].decode()
    conditions = json.loads(base64.b64decode(policy))["conditions"]
    assert got["x-amz-signature"].decode() == THERE.hmac(stamp, policy)
    assert got["x-amz-credential"].decode() == f"{APP.key}/{THERE.scope(stamp)}"
    assert {"bucket": "shop-us"} in conditions and {"bucket": "shop-eu"} not in conditions
    assert ["content-length-range", 0, 1 << 30] in conditions
    assert (got["bucket"], got["key"], got["success_action_status"]) == \
        (b"shop-us", b"up/${filename}", b"201")
    assert got["file"].startswith(BODY + b"\r\n--")
    assert not eu.requests


def test_a_browsers_page_gets_the_applications_names(client, eu, us, moved):
    us.script("/shop-us", lambda wire, request: (us.read_body(wire, request), us.reply(
        wire, 303, fields="Location: https://app.test/done?bucket=shop-us&key=up%2Fa.jpg\r\n"))[1])
    answer = upload(client, host_of(eu), "/shop-eu", signed_form(
        APP, "shop-eu", success_action_redirect="https://app.test/done"))
    assert (answer.status, answer["Location"]) == \
        (303, "https://app.test/done?bucket=shop-eu&key=up%2Fa.jpg")


def test_nobodys_upload_is_signed(client, house, eu, us, moved):
    stranger = Signer(APP.key, "guess", EU)
    assert code_of(upload(client, host_of(eu), "/shop-eu", signed_form(stranger, "shop-eu"))) == \
        (403, "SignatureDoesNotMatch")
    again = house.keep(connect(moved.address, PORT))
    changed = signed_form(APP, "shop-eu").replace(b"up/${", b"UP/${")
    assert code_of(upload(again, host_of(eu), "/shop-eu", changed)) == (403, "AccessDenied")
    assert not us.requests


# -- documents ------------------------------------------------------------------------------------

RULE = ("<ReplicationConfiguration><Role>r</Role><Rule><Status>Enabled</Status><Destination>"
        "<Bucket>arn:aws:s3:::{}</Bucket></Destination></Rule></ReplicationConfiguration>")


def test_a_document_that_names_buckets_is_rewritten(client, eu, us, moved):
    given = RULE.format("shop-us").encode()
    md5 = base64.b64encode(hashlib.md5(given).digest()).decode()
    answer = ask(client, "PUT", host_of(eu), "/shop-eu?replication", given, {"content-md5": md5})
    assert answer.status == 200
    got = us.requests[0]
    THERE.judge(got)
    assert got.body.decode() == RULE.format("shop-eu")
    assert got["x-amz-content-sha256"] == sha256(got.body)
    assert got["Content-MD5"] == base64.b64encode(hashlib.md5(got.body).digest()).decode()


def test_a_document_that_is_not_the_signed_one_is_refused(client, house, eu, us, moved):
    given = RULE.format("shop-us").encode()
    good = APP.request("PUT", host_of(eu), "/shop-eu?replication", given)
    client.send(good.replace(b"Enabled", b"Disable"))
    assert code_of(client.answer()) == (400, "XAmzContentSHA256Mismatch")
    again = house.keep(connect(moved.address, PORT))
    assert code_of(ask(again, "PUT", host_of(eu), "/shop-eu?replication", b"<a", {})) == \
        (400, "MalformedXML")
    assert not us.requests


def test_answers_have_the_applications_names(client, eu, us, moved):
    page = ("<ListBucketResult><Name>{}</Name><Contents><Key>shop-us</Key></Contents>"
            "</ListBucketResult>")
    us.script("/shop-us", lambda wire, request: us.reply(
        wire, 200, page.format("shop-us").encode(),
        f"Content-Type: application/xml\r\nx-amz-bucket-region: {US}\r\n"))
    answer = ask(client, "GET", host_of(eu), "/shop-eu?list-type=2")
    assert answer.body.decode() == page.format("shop-eu")
    assert answer["x-amz-bucket-region"] == EU


def test_ids_are_worth_something_in_one_region_alone(client, eu, us, gateway):
    us.script("/shop-us/key", lambda wire, request: (us.read_body(wire, request), us.reply(
        wire, 200, b"<InitiateMultipartUploadResult><Bucket>shop-us</Bucket><UploadId>u1</UploadId>"
        b"</InitiateMultipartUploadResult>", "Content-Type: application/xml\r\n"))[1])
    gateway.switch(US, "--group", "static")
    answer = ask(client, "POST", host_of(eu), "/shop-eu/key?uploads")
    upload = re.search(rb"<UploadId>(.*)</UploadId>", answer.body)[1].decode()
    assert ask(client, "GET", host_of(eu), f"/shop-eu/key?uploadId={upload}").status == 200
    assert us.requests[-1].target == "/shop-us/key?uploadId=u1"
    assert code_of(ask(client, "GET", host_of(eu), "/shop-eu/key?uploadId=u0")) == \
        (404, "NoSuchUpload")
    assert code_of(ask(client, "GET", host_of(eu), "/shop-eu?continuation-token=t")) == \
        (400, "InvalidArgument")
    gateway.switch(EU, "--group", "static")
    assert code_of(ask(client, "GET", host_of(eu), f"/shop-eu/key?uploadId={upload}")) == \
        (404, "NoSuchUpload")


def test_a_redirect_is_not_passed_on_after_a_switch_either(client, eu, us, moved):
    us.script("/shop-us/key", lambda wire, _: us.reply(
        wire, 307, b"<Error/>", f"Location: {us.url}/elsewhere\r\n"))
    answer = ask(client, "GET", host_of(eu), "/shop-eu/key")
    assert (answer.status, answer["Location"]) == (503, None)


# -- nobody unsigned gets signed ------------------------------------------------------------------

def tampered_header(host):
    return APP.request("PUT", host, "/shop-eu/key", b"x", {"x-amz-meta-a": "b"}).replace(
        b"x-amz-meta-a: b", b"x-amz-meta-a: c")


def added_header(host):
    return APP.request("PUT", host, "/shop-eu/key", b"x").replace(
        b"host:", b"x-amz-acl: public-read\r\nhost:", 1)


def expired_link(host):
    old = Signer(APP.key, APP.secret, EU, now=time.time() - 120)
    return written("GET", old.presigned("GET", host, "/shop-eu/key", expires=60), {"host": host})


def signed_by(**changes):
    def make(host):
        signer = Signer(**{"key": APP.key, "secret": APP.secret, "region": EU, **changes})
        return signer.request("PUT", host, "/shop-eu/key", b"x")
    return make


REFUSED = {
    "an unknown key": (signed_by(key="AKIDOTHER"), 403, "InvalidAccessKeyId"),
    "a wrong secret": (signed_by(secret="guess"), 403, "SignatureDoesNotMatch"),
    "another region's signature": (signed_by(region="ap-south-1"), 400,
                                   "AuthorizationHeaderMalformed"),
    "one of twenty minutes ago": (signed_by(now=time.time() - 1200), 403, "RequestTimeTooSkewed"),
    "one from the future": (signed_by(now=time.time() + 3600), 403, "RequestTimeTooSkewed"),
    "a header that was changed": (tampered_header, 403, "SignatureDoesNotMatch"),
    "a header that was added": (added_header, 403, "AccessDenied"),
    "an expired link": (expired_link, 403, "AccessDenied"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_believed_never_reaches_s3(client, eu, us, moved, what):
    make, *expected = REFUSED[what]
    client.send(make(host_of(eu)))
    answer = client.answer()
    assert [*code_of(answer)] == expected
    assert answer["Content-Type"] == "application/xml"
    assert not us.requests and not eu.requests
    assert number(moved, 'pilotlight_gateway_errors_total{reason="unauthorized"}') == 1


def test_a_piece_that_was_changed_is_stored_nowhere(client, eu, us, moved):
    head, body = APP.pieces(host_of(eu), "/shop-eu/key", [BODY[:70000], BODY[70000:]])
    client.send(head + body[:-20000] + b"X" + body[-19999:])
    assert code_of(client.answer()) == (403, "SignatureDoesNotMatch")
    assert not us.objects


def test_a_host_that_is_nobodys_is_refused_with_a_good_signature_too(client, eu, us, gateway):
    for host in ("other.s3.eu-west-1.amazonaws.com", "evil.example"):
        assert code_of(ask(client, "GET", host, "/key")) == (403, "AccessDenied")
    assert not eu.connections and not us.connections


# -- whose key ------------------------------------------------------------------------------------

def test_the_host_signs_when_it_is_told_to_and_only_for_mapped_buckets(client, eu, us, gateway):
    gateway.write_config(gateway={"sign_as": "host"})
    gateway.cli("reload", expect=0)
    gateway.switch(US, "--group", "static")
    assert ask(client, "PUT", host_of(eu), "/shop-eu/key", b"x").status == 200
    HOST_KEY.judge(us.requests[-1])
    asked = len(us.requests)
    for target, more in (("/unmapped/key", {}), ("/shop-eu/key", {"x-amz-copy-source": "others/a"})):
        answer = ask(client, "PUT", own_host(gateway), target, more=more)
        assert code_of(answer) == (403, "AccessDenied")
    stranger = Signer("AKIDOTHER", "x", EU)
    assert ask(client, "GET", host_of(eu), "/shop-eu/key", signer=stranger).status == 403
    assert len(us.requests) == asked and not eu.requests


def test_a_bucket_that_is_not_mapped_is_signed_with_the_clients_own_key(client, eu, us, gateway):
    eu.objects["/unmapped/key"] = b"abc"
    assert ask(client, "GET", own_host(gateway), "/unmapped/key").body == b"abc"
    APP.judge(eu.requests[0])


def test_a_new_secret_counts_after_a_reload(client, eu, us, moved):
    (moved.folder / "app").write_text("another secret, with blanks\n")
    moved.write_config(health={"interval": "30m"})
    moved.cli("reload", expect=0)
    another = Signer(APP.key, "another secret, with blanks", EU)
    us.objects["/shop-us/key"] = b"abc"
    eventually(lambda: ask(client, "GET", host_of(eu), "/shop-eu/key", signer=another).status == 200,
               "the new secret counts")
    assert ask(client, "GET", host_of(eu), "/shop-eu/key").status == 403


def test_a_secret_that_cannot_be_read_is_said_and_no_secret_ever(client, eu, moved):
    assert APP.secret not in moved.log() and HOST_KEY.secret not in moved.log()
    (moved.folder / "app").unlink()
    moved.write_config(health={"interval": "30m"})
    moved.cli("reload", expect=0)
    moved.wait_for_log("key_unreadable access_key_id=AKIDAPP")
    eventually(lambda: code_of(ask(client, "GET", host_of(eu), "/shop-eu/key")) ==
               (403, "InvalidAccessKeyId"), "the key is unknown")
