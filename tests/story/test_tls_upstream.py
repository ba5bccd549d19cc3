"""DNS over TLS to an upstream (RFC 7858): verified, pipelined, and never without its certificate."""
import contextlib
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from lib.ask import ask
from lib.machine import fresh_address
from lib.upstream import Upstream

NAME = "dns.example.net"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA of our own and a leaf for NAME."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "leaf"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                folder / f"{name}.key")
    openssl("req", "-x509", "-key", folder / "ca.key", "-subj", "/CN=test CA", "-days", "2",
            "-out", folder / "ca.pem")
    openssl("req", "-new", "-key", folder / "leaf.key", "-subj", f"/CN={NAME}", "-out",
            folder / "leaf.csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{NAME}\n")
    openssl("x509", "-req", "-in", folder / "leaf.csr", "-CA", folder / "ca.pem", "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-days", "2", "-extfile", folder / "names",
            "-out", folder / "leaf.pem")
    return folder


class TlsUpstream(Upstream):
    """The scriptable upstream behind TLS; counts how many connections were made."""

    def __init__(self, folder):
        self.connections = 0
        self.open = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "leaf.pem", folder / "leaf.key")
        super().__init__(address=fresh_address(), port=8853)

    def _serve_connection(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError):
            secured = self.context.wrap_socket(connection, server_side=True)
            self.connections += 1
            self.open.append(secured)
            super()._serve_connection(secured)


def start(house, certificates, name=NAME):
    upstream = house.keep(TlsUpstream(certificates))
    daemon = house.daemon([f"tls://{upstream.address}:8853#{name}"],
                          env={"SSL_CERT_FILE": str(certificates / "ca.pem")}).start()
    return upstream, daemon


def test_questions_go_over_one_verified_connection(house, certificates):
    upstream, daemon = start(house, certificates)
    for number in range(20):
        upstream.add(f"host{number}.example.net. 60 A 192.0.2.{number}")
        reply = ask(daemon, f"host{number}.example.net")
        assert [str(record) for record in reply.answer[0]] == [f"192.0.2.{number}"]
    assert upstream.connections == 1
    assert upstream.count(transport="udp") == 0


def test_questions_asked_at_once_share_the_handshake(house, certificates):
    upstream, daemon = start(house, certificates)
    names = [f"many{number}.example.net" for number in range(30)]
    for name in names:
        upstream.add(f"{name}. 60 A 192.0.2.1")
    answers = {}
    threads = [threading.Thread(target=lambda n=name: answers.update({n: ask(daemon, n)}))
               for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers[name].answer for name in names)
    assert upstream.connections == 1


def test_a_certificate_for_another_name_is_never_trusted(house, certificates):
    upstream, daemon = start(house, certificates, name="other.example.net")
    assert ask(daemon, "www.example.net").rcode() == 2
    assert upstream.count() == 0
    daemon.wait_for_log("upstream_stream_failed")


def test_a_managed_name_follows_its_target_over_tls(house, certificates):
    _, daemon = start(house, certificates)
    daemon.switch("us-west-2")
    reply = ask(daemon, "search.shop.internal")
    assert "search-us.example.net." in reply.answer[0].to_text()
    assert "192.0.2.22" in reply.answer[1].to_text()


def test_a_broken_connection_is_made_again(house, certificates):
    upstream, daemon = start(house, certificates)
    assert ask(daemon, "www.example.net").rcode() == 0
    for connection in upstream.open:
        connection.shutdown(socket.SHUT_RDWR)
    assert ask(daemon, "alias.example.net").rcode() == 0
    assert upstream.connections == 2


def test_garbage_instead_of_tls_is_a_failed_upstream(house, certificates):
    address = fresh_address()
    with socket.create_server((address, 8853)) as server:
        def babble():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(struct.pack("!H", 20) + b"no TLS here " * 4)
                    connection.close()
        threading.Thread(target=babble, daemon=True).start()
        daemon = house.daemon([f"tls://{address}:8853#{NAME}"],
                              env={"SSL_CERT_FILE": str(certificates / "ca.pem")}).start()
        assert ask(daemon, "www.example.net").rcode() == 2
        assert ask(daemon, "api.shop.internal").rcode() == 0
