"""The gateway's TLS, both sides: whom it lets in, under which name, and whom it believes."""
import contextlib
import hashlib
import http.client
import os
import socket
import ssl
import subprocess
import threading
import time

import pytest

from lib.certificates import Authority
from lib.daemon import EU, US
from lib.http import Wire, connect
from lib.machine import MANY, eventually, fresh_address
from lib.s3 import S3

PORT, TLS_PORT = 8080, 8443
EU_HOST = "shop-eu.s3.eu-west-1.amazonaws.com"
PLACE = "/shop-eu"  # where the scripted S3 has it: it is used path-style
STORE = "store.example.net"
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def store_leaf(authority):
    return authority.leaf(f"DNS:{STORE}")


def make_gateway(house, store, upstreams=("127.0.0.1:1",), env=None, **changes):
    daemon = house.daemon(env=env, endpoints={"assets": {
        "type": "bucket", "group": "static", "names": ["assets.shop.internal"],
        "buckets": {EU: "shop-eu", US: "shop-us"}}})
    daemon.ca = daemon.folder / "trusted.pem"
    daemon.write_config(
        resolver={"upstreams": [str(upstream) for upstream in upstreams]}, proxy={"threads": 1},
        gateway={"listen": [f"{daemon.address}:{PORT}", f"{daemon.address}:{TLS_PORT}"],
                 "ca_dir": str(daemon.folder / "ca"), "s3_endpoints": {EU: store, US: store},
                 **changes})
    return daemon


def start(daemon):
    daemon.start()
    daemon.ca.write_text(daemon.cli("ca", expect=0).out)
    return daemon


@pytest.fixture
def s3(house):
    return house.keep(S3())


@pytest.fixture
def gateway(house, s3):
    return start(make_gateway(house, s3.url))


def trusting(gateway, version=None):
    context = ssl.create_default_context(cafile=str(gateway.ca))
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # an end without a goodbye is an error
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def secure(gateway, host=EU_HOST, context=None, session=None):
    """A TLS connection under that name, verified."""
    plain = socket.create_connection((gateway.address, TLS_PORT), timeout=MANY)
    try:
        return (context or trusting(gateway)).wrap_socket(
            plain, server_hostname=host, session=session, suppress_ragged_eofs=False)
    except OSError:
        plain.close()
        raise


@pytest.fixture
def client(house, gateway):
    return house.keep(Wire(secure(gateway)))


def ask(client, method, target, fields="", body=b"", host=EU_HOST):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    client.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}{length}\r\n".encode() +
                body)
    return client.answer(to=method)


def curl(gateway, *arguments, host=EU_HOST):
    return subprocess.run(
        ["curl", "-sS", "--cacert", str(gateway.ca), "--connect-to",
         f"{host}:443:{gateway.address}:{TLS_PORT}", *arguments],
        capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def metric(gateway, name):
    """The sum over all values whose line begins so."""
    page = http.client.HTTPConnection(gateway.address, 9353, timeout=MANY)
    page.request("GET", "/metrics")
    lines = page.getresponse().read().decode().splitlines()
    page.close()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


# -- clients, as they are ---------------------------------------------------------------------------

def test_curl_puts_and_gets_with_the_ca_that_the_command_prints(gateway, s3, tmp_path):
    body = os.urandom(100000)
    (tmp_path / "body").write_bytes(body)
    done = curl(gateway, "-T", str(tmp_path / "body"), f"https://{EU_HOST}/key")
    assert done.returncode == 0, done
    assert s3.objects[f"{PLACE}/key"] == body
    assert curl(gateway, f"https://{EU_HOST}/key").stdout == body


def test_a_client_that_does_not_trust_the_ca_ends_the_handshake(gateway):
    with pytest.raises(ssl.SSLCertVerificationError):
        secure(gateway, context=ssl.create_default_context())
    assert ask(Wire(secure(gateway)), "GET", "/none").status == 404


def test_a_library_keeps_its_connection(gateway, s3):
    connection = http.client.HTTPSConnection(
        gateway.address, TLS_PORT, timeout=MANY, context=trusting(gateway))
    connection.sock = secure(gateway)
    for number in range(5):
        connection.request("PUT", f"/{number}", body=b"x" * number, headers={"Host": EU_HOST})
        assert connection.getresponse().read() == b""
        connection.request("GET", f"/{number}", headers={"Host": EU_HOST})
        assert connection.getresponse().read() == b"x" * number
    connection.close()
    assert metric(gateway, "pilotlight_gateway_accepted_total") == 1
    assert {request.connection for request in s3.requests} == {1}


@pytest.mark.parametrize("host", [
    EU_HOST, "shop-eu.s3.amazonaws.com", "shop-us.s3-us-west-2.amazonaws.com",
    "shop-us.s3.dualstack.us-west-2.amazonaws.com", "assets.shop.internal"])
def test_every_name_of_the_bucket_has_a_certificate(gateway, host):
    secure(gateway, host).close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(gateway, version):
    context = trusting(gateway, version)
    with secure(gateway, context=context) as first:
        assert ask(Wire(first), "GET", "/none").status == 404  # a ticket comes with it
        session = first.session
    with secure(gateway, context=context, session=session) as second:
        assert second.session_reused
        assert ask(Wire(second), "GET", "/none").status == 404
    resumed = 'pilotlight_gateway_handshakes_total{side="client",outcome="resumed"}'
    assert metric(gateway, resumed) == 1


def test_tls_before_1_2_is_refused(gateway):
    done = subprocess.run(["openssl", "s_client", "-connect", f"{gateway.address}:{TLS_PORT}",
                           "-servername", EU_HOST, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert b"alert protocol version" in done.stderr


# -- names --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("host", [
    None, "other.s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "example.net"])
def test_a_name_that_is_not_ours_ends_the_handshake(gateway, host):
    context = trusting(gateway)
    context.check_hostname = False
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        secure(gateway, host, context)
    failed = 'pilotlight_gateway_handshakes_total{side="client",outcome="failed"}'
    eventually(lambda: metric(gateway, failed) == 1, "it is counted")


@pytest.mark.parametrize("host", [
    "shop-us.s3.us-west-2.amazonaws.com", "shop-eu.s3.amazonaws.com", "127.0.0.1"])
def test_another_host_than_the_handshakes_is_421(client, s3, host):
    answer = ask(client, "GET", "/key", host=host)
    assert answer.status == 421
    assert b"<Code>MisdirectedRequest</Code>" in answer.body
    assert client.is_closed()
    assert not s3.requests


@pytest.mark.parametrize("host", [f"{EU_HOST}:443", EU_HOST.upper(), f"{EU_HOST}."])
def test_the_same_host_written_otherwise_is_the_same(client, host):
    assert ask(client, "GET", "/none", host=host).status == 404


@pytest.mark.parametrize("offers, chosen", [
    (["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)])
def test_http_1_1_is_chosen_among_protocols(gateway, offers, chosen):
    context = trusting(gateway)
    if offers:
        context.set_alpn_protocols(offers)
    with secure(gateway, context=context) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_no_protocol_in_common_ends_the_handshake(gateway):
    context = trusting(gateway)
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        secure(gateway, context=context)


def test_plain_http_on_the_tls_port_is_no_handshake(house, gateway):
    plain = house.keep(connect(gateway.address, TLS_PORT))
    plain.send(f"GET / HTTP/1.1\r\nHost: {EU_HOST}\r\n\r\n".encode())
    assert b"HTTP" not in plain.to_the_end()


# -- bodies and ends ------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 65536, 8 * MEGABYTE + 1])
def test_an_object_comes_back_byte_by_byte(client, size):
    body = os.urandom(size)
    assert ask(client, "PUT", "/key", body=body).status == 200
    answer = ask(client, "GET", "/key")
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


def test_requests_in_one_record_are_all_answered(client, s3):
    for number in range(50):
        s3.objects[f"{PLACE}/{number}"] = str(number).encode() * 100
    client.send(b"".join(f"GET /{number} HTTP/1.1\r\nHost: {EU_HOST}\r\n\r\n".encode()
                         for number in range(50)))
    for number in range(50):
        assert client.answer().body == str(number).encode() * 100


def test_a_head_that_comes_byte_by_byte_is_read(client, s3):
    s3.objects[f"{PLACE}/key"] = b"found"
    for byte in f"GET /key HTTP/1.1\r\nHost: {EU_HOST}\r\n\r\n".encode():
        client.send(bytes([byte]))
    assert client.answer().body == b"found"


def test_a_client_that_is_slow_to_read_gets_all(client, s3):
    s3.objects[f"{PLACE}/key"] = body = os.urandom(16 * MEGABYTE)
    client.send(f"GET /key HTTP/1.1\r\nHost: {EU_HOST}\r\n\r\n".encode())
    time.sleep(0.5)  # all buffers on the way fill
    assert client.answer().body == body


def test_a_client_that_said_goodbye_still_gets_its_answer(house, gateway, s3):
    """Half-close: its close_notify comes right behind the request."""
    s3.objects[f"{PLACE}/key"] = body = os.urandom(MEGABYTE)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting(gateway).wrap_bio(incoming, outgoing, server_hostname=EU_HOST)
    plain = house.keep(connect(gateway.address, TLS_PORT))

    def pump(step, *arguments):
        while True:
            try:
                return step(*arguments)
            except ssl.SSLWantReadError:
                plain.send(outgoing.read())
                incoming.write(plain.more())

    pump(tls.do_handshake)
    tls.write(f"GET /key HTTP/1.1\r\nHost: {EU_HOST}\r\nConnection: close\r\n\r\n".encode())
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.unwrap()
    plain.send(outgoing.read())
    plain.socket.shutdown(socket.SHUT_WR)
    records = plain.to_the_end()
    assert len(records) > len(body)  # what it says cannot be read after unwrap(3)


def test_the_last_answer_ends_with_a_goodbye(client):
    assert ask(client, "GET", "/none", "Connection: close\r\n").status == 404
    assert client.socket.recv(1) == b""  # an end without one would raise


def test_an_answer_that_breaks_off_does_not_end_with_a_goodbye(client, s3):
    def half(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return "close"
    s3.script(f"{PLACE}/half", half)
    client.send(f"GET /half HTTP/1.1\r\nHost: {EU_HOST}\r\n\r\n".encode())
    with pytest.raises((ConnectionError, ssl.SSLEOFError)):
        while client.socket.recv(65536):
            pass
        pytest.fail("the end looked like a good one")


def test_a_handshake_that_does_not_end_is_given_up(house, gateway):
    silent = house.keep(connect(gateway.address, TLS_PORT))
    began = time.monotonic()
    assert silent.is_closed()
    assert 9 < time.monotonic() - began < 16


# -- the CA -----------------------------------------------------------------------------------------------

def test_a_restart_keeps_the_ca(gateway):
    before = gateway.cli("ca", expect=0).out
    key = gateway.folder / "ca" / "ca.key"
    assert key.stat().st_mode & 0o777 == 0o600
    gateway.restart()
    assert gateway.cli("ca", expect=0).out == before
    secure(gateway).close()


def test_a_bucket_that_a_reload_adds_is_covered(gateway):
    before = gateway.cli("ca", expect=0).out
    gateway.write_config(endpoints={"logs": {
        "type": "bucket", "group": "static", "buckets": {EU: "logs-eu", US: "logs-us"}}})
    gateway.cli("reload", expect=0)
    gateway.wait_for_log("ca_reissued")
    after = gateway.cli("ca", expect=0).out
    assert after != before
    gateway.ca.write_text(after)
    secure(gateway, "logs-eu.s3.eu-west-1.amazonaws.com").close()


def test_a_ca_directory_out_of_reach_is_told_in_words(house, s3):
    daemon = make_gateway(house, s3.url)
    (daemon.folder / "file").write_text("")
    daemon.write_config(gateway={"ca_dir": str(daemon.folder / "file" / "ca")})
    daemon.launch()
    assert daemon.process.wait(MANY) == 1
    assert f"{daemon.folder}/file" in daemon.log()
    daemon.killed = True


def test_a_ca_that_others_can_read_is_told_in_words(gateway):
    gateway.terminate()
    (gateway.folder / "ca" / "ca.key").chmod(0o644)
    gateway.launch()
    assert gateway.process.wait(MANY) == 1
    assert "gateway.ca_dir" in gateway.log() and "ca.key" in gateway.log()
    gateway.killed = True


# -- upstream -----------------------------------------------------------------------------------------------

@pytest.fixture
def named(upstream):
    """An address that the store's name leads to."""
    address = fresh_address()
    upstream.add(f"{STORE}. 300 A {address}")
    return address


def start_before(house, upstream, authority, certificate, address, **changes):
    s3 = house.keep(S3(certificate=certificate, address=address))
    changes = {"upstream_ca": str(authority.certificate), **changes}
    daemon = make_gateway(house, f"https://{STORE}:{s3.port}", upstreams=[upstream], **changes)
    return start(daemon), s3


def assert_not_trusted(house, gateway, s3):
    client = house.keep(Wire(secure(gateway)))
    answer = ask(client, "GET", "/key")
    assert answer.status == 502
    assert b"<Code>BadGateway</Code>" in answer.body
    assert not s3.requests
    gateway.wait_for_log("s3_not_trusted")
    assert metric(gateway, 'pilotlight_gateway_errors_total{reason="untrusted"}') == 1


def test_an_s3_with_a_certificate_of_the_right_ca_is_spoken_to(
        house, upstream, authority, store_leaf, named):
    gateway, s3 = start_before(house, upstream, authority, store_leaf, named)
    client = house.keep(Wire(secure(gateway)))
    body = os.urandom(8 * MEGABYTE + 1)
    assert ask(client, "PUT", "/key", body=body).status == 200
    assert ask(client, "GET", "/key").body == body
    assert s3.connections == 1
    plain = house.keep(connect(gateway.address, PORT))
    assert ask(plain, "GET", "/key").body == body
    assert s3.connections == 1  # TLS for the client or not: it is the same connection to S3


def test_sessions_with_s3_are_resumed(house, upstream, authority, store_leaf, named):
    gateway, s3 = start_before(house, upstream, authority, store_leaf, named)
    client = house.keep(Wire(secure(gateway)))
    for _ in range(3):
        assert ask(client, "GET", "/none").status == 404
        s3.drop()
    assert s3.connections >= 2
    assert s3.resumed >= 1


def test_a_connection_over_tls_serves_nobody_who_must_not_have_it(
        house, upstream, authority, store_leaf, named):
    """Two regions' S3 at the same host and port, one of them spoken to in plain HTTP."""
    s3 = house.keep(S3(certificate=store_leaf, address=named))
    daemon = make_gateway(house, f"https://{STORE}:{s3.port}", upstreams=[upstream],
                          upstream_ca=str(authority.certificate))
    daemon.write_config(endpoints={"assets": {"path_style": True}},
                        gateway={"s3_endpoints": {US: f"http://{STORE}:{s3.port}"}})
    gateway = start(daemon)
    client = house.keep(connect(gateway.address, PORT))
    assert ask(client, "GET", "/key").status == 404
    answer = ask(client, "GET", "/other/key", host="s3.us-west-2.amazonaws.com")
    assert answer.status == 503
    assert len(s3.requests) == 1


def test_a_self_signed_s3_is_502(house, upstream, authority, named):
    certificate = authority.self_signed(f"DNS:{STORE}")
    assert_not_trusted(house, *start_before(house, upstream, authority, certificate, named))


def test_an_s3_of_another_name_is_502(house, upstream, authority, named):
    certificate = authority.leaf("DNS:other.example.net")
    assert_not_trusted(house, *start_before(house, upstream, authority, certificate, named))


def test_the_systems_cas_count_without_an_own_one(house, upstream, authority, store_leaf, named):
    gateway, s3 = start_before(house, upstream, authority, store_leaf, named, upstream_ca=None)
    assert_not_trusted(house, gateway, s3)


def test_the_environment_may_name_the_systems_cas(house, upstream, authority, store_leaf, named):
    s3 = house.keep(S3(certificate=store_leaf, address=named))
    gateway = start(make_gateway(house, f"https://{STORE}:{s3.port}", upstreams=[upstream],
                                 env={"SSL_CERT_FILE": str(authority.certificate)}))
    assert ask(house.keep(Wire(secure(gateway))), "GET", "/none").status == 404


def test_an_s3_at_an_address_is_verified_by_its_address(house, authority):
    address = fresh_address()
    s3 = house.keep(S3(certificate=authority.leaf(f"IP:{address}"), address=address))
    gateway = start(make_gateway(house, s3.url, upstream_ca=str(authority.certificate)))
    assert ask(house.keep(Wire(secure(gateway))), "GET", "/none").status == 404


def test_an_s3_that_speaks_no_tls_is_503(house, upstream, authority, named):
    gateway, _ = start_before(house, upstream, authority, None, named)
    answer = ask(house.keep(Wire(secure(gateway))), "GET", "/key")
    assert (answer.status, b"ServiceUnavailable" in answer.body) == (503, True)


def test_an_s3_that_does_not_shake_hands_is_503(house, upstream, authority, named):
    listener = house.keep(socket.create_server((named, 9000)))
    gateway = start(make_gateway(house, f"https://{STORE}:9000", upstreams=[upstream],
                                 upstream_ca=str(authority.certificate)))
    answer = ask(house.keep(Wire(secure(gateway))), "GET", "/key")
    assert listener.fileno() >= 0 and answer.status == 503


def test_a_ca_file_that_is_none_is_told_in_words(house, s3):
    daemon = make_gateway(house, s3.url)
    daemon.write_config(gateway={"upstream_ca": str(daemon.config_file)})
    daemon.launch()
    assert daemon.process.wait(MANY) == 1
    assert "no CA certificates can be read" in daemon.log()
    daemon.killed = True


@pytest.mark.root
def test_awss_own_host_is_spoken_to_over_tls_on_port_443(house, upstream, authority):
    """Although the client speaks plain HTTP with us."""
    address = fresh_address()
    upstream.add(f"{EU_HOST}. 300 A {address}")
    s3 = house.keep(S3(certificate=authority.leaf(f"DNS:{EU_HOST}"), address=address, port=443))
    daemon = make_gateway(house, None, upstreams=[upstream],
                          upstream_ca=str(authority.certificate))
    daemon.config["gateway"]["s3_endpoints"] = {}
    daemon.write_config()
    gateway = start(daemon)
    assert ask(house.keep(connect(gateway.address, PORT)), "GET", "/none").status == 404
    assert s3.requests[0]["Host"] == EU_HOST
