"""The gateway's HTTP, before an S3 that does as it is told: nothing is renamed, all passes through."""
import hashlib
import os
import socket
import threading
import time

import pytest

from lib.daemon import EU, US
from lib.http import Ended, Wire
from lib.machine import MANY, eventually, resident_kib
from lib.s3 import S3

PORT = 8080
HOST = "shop-eu.the-store"  # stands for the scripted S3's own name for the bucket
GIVEN = f"Host: {HOST}\r\n"


class Client(Wire):
    host = None

    def send(self, data):
        super().send(data.replace(HOST.encode(), self.host.encode()))


def connect(address, port, **options):
    return Client(socket.create_connection((address, port), timeout=MANY, **options))


@pytest.fixture
def s3(house):
    return house.keep(S3())


@pytest.fixture
def gateway(house, s3):
    daemon = house.daemon(endpoints={"assets": {
        "type": "bucket", "group": "static", "path_style": True,
        "buckets": {EU: "shop-eu", US: "shop-us"}}})
    daemon.write_config(resolver={"upstreams": ["127.0.0.1:1"]}, proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:{PORT}",
        "s3_endpoints": {region: {"url": s3.url, "style": "virtual"} for region in (EU, US)}})
    Client.host = f"shop-eu.{s3.address}:{s3.port}"
    return daemon.start()


@pytest.fixture
def client(house, gateway):
    return house.keep(connect(gateway.address, PORT))


def ask(client, method, target, fields="", body=b""):
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    client.send(f"{method} {target} HTTP/1.1\r\n{GIVEN}{fields}{length}\r\n".encode() + body)
    return client.answer(to=method)


def errors(gateway):
    """{reason: count} of what the gateway refused."""
    with socket.create_connection((gateway.address, 9353)) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: h\r\n\r\n")
        page = b""
        while data := connection.recv(65536):
            page += data
    lines = [line for line in page.decode().splitlines()
             if line.startswith("pilotlight_gateway_errors_total")]
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines}


# -- what passes ----------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 8 * 2**20 + 1, 50 * 2**20])
def test_an_object_comes_back_byte_by_byte(client, size):
    body = os.urandom(size)
    assert ask(client, "PUT", "/key", body=body).status == 200
    answer = ask(client, "GET", "/key")
    assert (answer.status, answer["ETag"]) == (200, '"get"')
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


def test_the_head_goes_on_as_it_came_but_for_this_connection(client, s3):
    ask(client, "GET", "//a/../%2F%2f+~?list-type=2&prefix=%20",
        "Authorization: AWS4-HMAC-SHA256 Credential=x\r\nx-amz-meta-a:  b  c \r\n"
        "Connection: X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n")
    assert s3.requests[0].raw_head.decode() == (
        "GET //a/../%2F%2f+~?list-type=2&prefix=%20 HTTP/1.1\r\n"
        f"Host: {client.host}\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x\r\nx-amz-meta-a: b  c")


def test_other_methods_pass_and_the_connection_stays(client, s3):
    s3.objects["/key"] = b"0123456789"
    head = ask(client, "HEAD", "/key")
    assert (head.status, head["Content-Length"], head.body) == (200, "10", b"")
    assert ask(client, "GET", "/key", "Range: bytes=2-4\r\n").body == b"234"
    assert ask(client, "POST", "/key?uploads").body == b"<Result>0</Result>"
    assert ask(client, "POST", "/key?uploadId=1", body=b"x" * 100).body == b"<Result>100</Result>"
    assert ask(client, "DELETE", "/key").status == 204
    assert ask(client, "GET", "/key").status == 404
    assert {request.connection for request in s3.requests} == {1}


def test_pipelined_requests_are_answered_in_order(client, s3):
    for number in range(40):
        s3.objects[f"/{number}"] = str(number).encode() * 100
    client.send(b"".join(f"GET /{number} HTTP/1.1\r\n{GIVEN}\r\n".encode() for number in range(40)))
    for number in range(40):
        assert client.answer().body == str(number).encode() * 100


def test_a_request_behind_a_body_is_served_after_it(client, s3):
    body = b"5\r\nhello\r\n0\r\n\r\n"
    client.send(f"PUT /a HTTP/1.1\r\n{GIVEN}Transfer-Encoding: chunked\r\n"
                f"x-amz-decoded-content-length: 5\r\n\r\n".encode() + body +
                f"GET /a HTTP/1.1\r\n{GIVEN}\r\n".encode())
    assert client.answer().status == 200
    assert client.answer().body == b"hello"


def test_a_chunked_body_is_framed_anew(client, s3):
    client.send(f"PUT /a HTTP/1.1\r\n{GIVEN}Transfer-Encoding: chunked\r\n"
                "x-amz-decoded-content-length: 6\r\n\r\n"
                "0003;ext=1\r\nabc\r\n3\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n".encode())
    assert client.answer().status == 200
    assert s3.objects["/a"] == b"abcdef"
    assert s3.requests[0]["Transfer-Encoding"] == "chunked"
    assert s3.requests[0]["Content-Length"] is None


def test_answers_of_unknown_length_are_chunked_for_the_client(client, s3):
    def chunked(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        time.sleep(0.05)
        wire.send(b"3;x\r\ndef\r\n0\r\n\r\n")

    def until_close(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        time.sleep(0.05)
        wire.send(b"def")
        return "close"
    s3.script("/chunked", chunked)
    s3.script("/until-close", until_close)
    for path in ("/chunked", "/until-close", "/chunked"):
        answer = ask(client, "GET", path)
        assert (answer["Transfer-Encoding"], answer.body) == ("chunked", b"abcdef")


def test_http_1_0_ends_with_its_connection_unless_it_asks_otherwise(house, gateway, s3):
    s3.objects["/key"] = b"abc"
    for fields, stays in (("", False), ("Connection: keep-alive\r\n", True)):
        client = house.keep(connect(gateway.address, PORT))
        client.send(f"GET /key HTTP/1.0\r\n{GIVEN}{fields}\r\n".encode())
        answer = client.answer()
        assert (answer.body, answer["Connection"]) == (b"abc", "keep-alive" if stays else "close")
        assert stays or client.is_closed()


def test_100_continue_is_s3s_to_say(client, s3):
    client.send(f"PUT /key HTTP/1.1\r\n{GIVEN}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"
                .encode())
    assert client.answer().status == 100
    client.send(b"hello")
    assert client.answer().status == 200
    assert (s3.objects["/key"], s3.requests[0]["Expect"]) == (b"hello", "100-continue")
    assert ask(client, "GET", "/key").body == b"hello"


def test_an_early_403_does_not_cost_the_body(client, s3):
    s3.script("/no", lambda wire, _: s3.reply(wire, 403, b"<Error/>"))
    client.send(f"PUT /no HTTP/1.1\r\n{GIVEN}Content-Length: 5000000000\r\n"
                "Expect: 100-continue\r\n\r\n".encode())
    answer = client.answer()
    assert (answer.status, answer.body, answer["Connection"]) == (403, b"<Error/>", "close")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.is_closed()


def test_an_answer_may_come_while_the_body_still_goes_up(client, s3):
    def refuse(wire, _):
        wire.exactly(1000)
        s3.reply(wire, 403, b"<Error/>")
        return "close"
    s3.script("/no", refuse)
    client.send(f"PUT /no HTTP/1.1\r\n{GIVEN}Content-Length: 100000\r\n\r\n".encode() + b"x" * 2000)
    answer = client.answer()
    assert (answer.status, answer["Connection"]) == (403, "close")


def test_a_slow_client_slows_s3_down(client, s3, gateway):
    sent = []

    def endless(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            wire.send(b"x" * 65536)
            sent.append(65536)
    s3.script("/endless", endless)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    before = resident_kib(gateway.pid)
    client.send(f"GET /endless HTTP/1.1\r\n{GIVEN}\r\n".encode())
    client.head()

    def stands_still():
        count = len(sent)
        time.sleep(0.3)
        return count and len(sent) == count
    eventually(stands_still, "nothing more is read from S3")
    assert sum(sent) < 64 * 2**20
    assert resident_kib(gateway.pid) < before + 4096


def test_a_slow_s3_slows_the_client_down(client, s3):
    go = threading.Event()

    def slow(wire, request):
        go.wait(20)
        s3.store(wire, request)
    s3.script("/slow", slow)
    body = os.urandom(64 * 2**20)
    client.send(f"PUT /slow HTTP/1.1\r\n{GIVEN}Content-Length: {len(body)}\r\n\r\n".encode())
    client.socket.settimeout(0.5)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < len(body):
            sent += client.socket.send(body[sent:sent + 65536])
    client.socket.settimeout(20)
    go.set()
    client.send(body[sent:])
    assert client.answer().status == 200
    assert s3.objects["/slow"] == body


# -- what is refused ------------------------------------------------------------------------------

CHUNKED = "Transfer-Encoding: chunked\r\nx-amz-decoded-content-length: 5\r\n"


@pytest.mark.parametrize(("status", "request_text"), [
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Content-Length: 5\r\n{CHUNKED}\r\n0\r\n\r\n"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Content-Length: 5, 5\r\n\r\nhello"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Content-Length: +5\r\n\r\nhello"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Content-Length:\r\n\r\n"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (400, f"PUT / HTTP/1.0\r\n{GIVEN}{CHUNKED}\r\n0\r\n\r\n"),
    (400, f"GET / HTTP/1.1\n{GIVEN}\r\n"),
    (400, f"GET / HTTP/1.1\r\n{GIVEN}X: a\r\n b\r\n\r\n"),
    (400, f"GET / HTTP/1.1\r\n{GIVEN}X : a\r\n\r\n"),
    (400, f"GET / HTTP/1.1\r\n{GIVEN}X: a\0b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
    (400, f"GET / HTTP/1.1\r\n{GIVEN}{GIVEN}\r\n"),
    (400, f"GET http://other/ HTTP/1.1\r\n{GIVEN}\r\n"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}{CHUNKED}\r\nzz\r\n"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}{CHUNKED}\r\n5\r\nhelloX"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}{CHUNKED}\r\n1;{'x' * 300}\r\n"),
    (400, f"PUT / HTTP/1.1\r\n{GIVEN}{CHUNKED}\r\n0\r\nContent-Length: 5\r\n\r\n"),
    (405, f"PATCH / HTTP/1.1\r\n{GIVEN}\r\n"),
    (411, f"PUT / HTTP/1.1\r\n{GIVEN}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (414, f"GET /{'k' * 17000} HTTP/1.1\r\n{GIVEN}\r\n"),
    (431, f"GET / HTTP/1.1\r\n{GIVEN}X: {'x' * 66000}\r\n\r\n"),
])
def test_what_could_be_read_in_two_ways_is_refused(client, s3, gateway, status, request_text):
    hidden = f"GET /hidden HTTP/1.1\r\n{GIVEN}\r\n"
    client.send((request_text + hidden).encode("latin-1"))
    answer = client.answer()
    assert answer.status == status
    assert answer["Connection"] == "close"
    assert b"<Error><Code>" in answer.body
    client.socket.shutdown(socket.SHUT_WR)
    assert client.is_closed()
    assert all(request.target == "/" for request in s3.requests)
    assert errors(gateway)["bad_request"] == 1


def test_a_foreign_host_is_never_dialled(client, s3, gateway):
    for host in ("evil.example", "s3.eu-west-1.amazonaws.com.evil.example", "127.0.0.1", s3.address,
                 "other.s3.eu-west-1.amazonaws.com", "s3.ap-south-1.amazonaws.com"):
        client.send(f"GET /shop-eu/key HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = client.answer()
        assert (answer.status, b"AccessDenied" in answer.body) == (403, True)
    assert s3.connections == 0
    assert errors(gateway)["foreign_host"] == 6


def test_an_s3_endpoint_of_a_region_passes_buckets_that_are_not_mapped(client, s3):
    s3.objects["/elsewhere/key"] = b"abc"
    client.send(b"GET /elsewhere/key HTTP/1.1\r\nHost: s3.eu-west-1.amazonaws.com\r\n\r\n")
    assert client.answer().body == b"abc"
    client.send(f"GET /elsewhere/key HTTP/1.1\r\nHost: {s3.address}:{s3.port}\r\n\r\n".encode())
    assert client.answer().body == b"abc"


# -- what goes wrong ------------------------------------------------------------------------------

def test_an_s3_that_cannot_be_reached_is_503(client, s3, gateway):
    s3.close()
    answer = ask(client, "PUT", "/key", body=b"hello")
    assert (answer.status, answer["Retry-After"]) == (503, "1")
    assert b"<Code>ServiceUnavailable</Code>" in answer.body
    assert errors(gateway)["unreachable"] == 1


def test_a_read_on_a_connection_that_s3_closed_is_sent_once_more(client, s3):
    s3.objects["/key"] = b"abc"

    def vanish(wire, _):
        del s3.scripts["/key"]
        return "close"
    assert ask(client, "GET", "/key").body == b"abc"
    s3.script("/key", vanish)
    assert ask(client, "GET", "/key").body == b"abc"
    assert [request.connection for request in s3.requests] == [1, 1, 2]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_write_is_never_sent_twice(client, s3, method):
    assert ask(client, "PUT", "/warm", body=b"x").status == 200
    s3.script("/key", lambda wire, _: "close")
    assert ask(client, method, "/key").status == 503
    assert len([request for request in s3.requests if request.target == "/key"]) == 1


def test_a_read_that_fails_on_a_new_connection_is_not_repeated(client, s3):
    s3.script("/key", lambda wire, _: "close")
    assert ask(client, "GET", "/key").status == 503
    assert len(s3.requests) == 1


def test_half_an_answer_is_not_taken_for_whole(client, s3):
    def half(wire, _):
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return "close"
    s3.script("/half", half)
    client.send(f"GET /half HTTP/1.1\r\n{GIVEN}\r\n".encode())
    with pytest.raises(Ended):
        client.answer()


def test_a_redirect_of_s3s_is_not_passed_on(client, s3, gateway):
    s3.script("/moved", lambda wire, _: s3.reply(
        wire, 307, b"<Error/>", "Location: http://shop-eu.s3.us-west-2.amazonaws.com/moved\r\n"))
    answer = ask(client, "GET", "/moved")
    assert (answer.status, answer["Location"]) == (503, None)
    assert "s3_redirects" in gateway.log()


@pytest.mark.parametrize("fields", [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
    "X: a\nY: b\r\n", "Transfer-Encoding: gzip\r\n"])
def test_an_answer_that_could_be_read_in_two_ways_is_503(client, s3, fields):
    def unclear(wire, _):
        wire.send(f"HTTP/1.1 200 OK\r\n{fields}\r\nhello".encode())
        return "close"
    s3.script("/unclear", unclear)
    assert ask(client, "GET", "/unclear").status == 503


def test_what_s3_says_unasked_reaches_nobody(client, s3):
    said = threading.Event()

    def too_much(wire, request):
        s3.reply(wire, 200, b"abc")
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        said.set()
    s3.script("/much", too_much)
    s3.objects["/key"] = b"abc"
    assert ask(client, "GET", "/much").body == b"abc"
    assert said.wait(MANY)
    assert ask(client, "GET", "/key").body == b"abc"


def test_more_connections_than_allowed_are_turned_away(house, gateway, s3):
    gateway.write_config(gateway={"max_connections": 2})
    gateway.cli("reload", expect=0)
    s3.objects["/key"] = b"abc"
    first, second, third = (house.keep(connect(gateway.address, PORT)) for _ in range(3))
    assert ask(first, "GET", "/key").body == b"abc"
    assert ask(second, "GET", "/key").body == b"abc"
    assert third.answer().status == 503


@pytest.mark.slow
def test_a_head_that_does_not_end_is_given_up(client, gateway):
    began = time.monotonic()
    client.send(f"GET / HTTP/1.1\r\n{GIVEN}".encode())
    assert client.answer().status == 408
    assert 9 < time.monotonic() - began < 15
    assert errors(gateway)["timeout"] == 1


@pytest.mark.long
def test_a_silent_s3_is_503_and_a_silent_client_is_told(house, client, s3, gateway):
    s3.script("/silent", lambda wire, _: wire.socket.recv(1))
    slow = house.keep(connect(gateway.address, PORT))
    slow.socket.settimeout(60)
    client.socket.settimeout(60)
    slow.send(f"PUT /key HTTP/1.1\r\n{GIVEN}Content-Length: 5\r\n\r\nhe".encode())
    assert ask(client, "GET", "/silent").status == 503
    assert b"<Code>RequestTimeout</Code>" in slow.answer().body
    assert len([request for request in s3.requests if request.target == "/silent"]) == 1


# -- the switch -----------------------------------------------------------------------------------

def test_a_kept_connection_follows_the_switch_at_once(client, s3, gateway):
    s3.objects["/key"] = b"abc"
    assert ask(client, "GET", "/key").body == b"abc"
    gateway.switch(US)
    assert ask(client, "GET", "/key").body == b"abc"
    assert [request["Host"].partition(".")[0] for request in s3.requests] == ["shop-eu", "shop-us"]


def test_a_request_under_way_is_finished_by_the_connection_that_has_it(client, s3, gateway):
    go = threading.Event()

    def wait(wire, request):
        go.wait(20)
        s3.store(wire, request)
    s3.script("/wait", wait)
    client.send(f"PUT /wait HTTP/1.1\r\n{GIVEN}Content-Length: 5\r\n\r\nhello".encode())
    eventually(lambda: s3.requests, "S3 has the request")
    gateway.switch(US)
    go.set()
    assert client.answer().status == 200
    assert len(s3.requests) == 1


def test_an_undecided_host_says_when_to_come_back(client, s3, gateway):
    gateway.terminate()
    gateway.state_file.write_text("torn")
    gateway.start()
    again = connect(gateway.address, PORT)
    answer = ask(again, "GET", "/key")
    again.close()
    assert (answer.status, answer["Retry-After"]) == (503, "1")
    assert b"<Code>SlowDown</Code>" in answer.body
    assert s3.connections == 0


def test_a_request_under_way_at_the_end_is_finished(client, s3, gateway):
    began = threading.Event()

    def slow(wire, request):
        began.set()
        time.sleep(0.5)
        s3.reply(wire, 200, b"abc")
    s3.script("/slow", slow)
    client.send(f"GET /slow HTTP/1.1\r\n{GIVEN}\r\n".encode())
    assert began.wait(20)
    gateway.terminate()
    assert client.answer().body == b"abc"
