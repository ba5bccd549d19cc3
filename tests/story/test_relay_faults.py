"""What broke the relay once, against the real programs."""
import resource
import socket
import threading
import time

import pytest

from lib.daemon import EU, US
from lib.machine import eventually, fresh_address
from lib.upstream import SILENT


class Echo:
    """A server of no known protocol."""

    def __init__(self):
        self.listener = socket.create_server((fresh_address(), 7001))
        self.target = "%s:%d" % self.listener.getsockname()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                stream = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.answer, args=(stream,), daemon=True).start()

    def answer(self, stream):
        with stream:
            for data in iter(lambda: stream.recv(1 << 16), b""):
                stream.sendall(data)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def client(daemon):
    return socket.create_connection((daemon.address, 5432), timeout=20)


def echoes(stream, words):
    stream.sendall(words)
    return stream.recv(len(words), socket.MSG_WAITALL) == words


def endpoint(daemon, targets, **relay):
    return {"orders-db": {"targets": dict(zip((EU, US), targets)),
                          "relay": {"listen": f"{daemon.address}:5432", **relay}}}


def relay_of(daemon):
    return daemon.status()["endpoints"]["orders-db"]["relay"]


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_probe_that_comes_with_a_reload_is_asked_at_the_next_switch(house, kind):
    daemon = house.daemon()
    targets = [f"{fresh_address()}:7001" for _ in range(2)]
    daemon.write_config(endpoints=endpoint(daemon, targets))
    daemon.start()
    password = daemon.folder / "password"
    password.write_text("secret\n")
    daemon.write_config(endpoints=endpoint(daemon, targets, probe={
        "type": kind, "user": "probe", "password_file": str(password), "database": "shop"}))
    daemon.cli("reload", expect=0)
    daemon.switch(US)
    eventually(lambda: targets[1] in relay_of(daemon)["waiting_for"], "the probe's words")


def test_without_descriptors_clients_wait_and_the_log_is_not_flooded(house):
    daemon, echo = house.daemon(proxy={"threads": 1}), house.keep(Echo())
    daemon.write_config(endpoints=endpoint(daemon, [echo.target, echo.target]))
    daemon.start()
    with client(daemon) as served:
        assert echoes(served, b"before")
        limit = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (1, limit[1]))
        with client(daemon) as waits:
            waits.sendall(b"hello")
            time.sleep(2)
            assert echoes(served, b"meanwhile")
            assert 1 <= daemon.log().count("event=accept_failed") <= 2
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limit)
            assert waits.recv(5, socket.MSG_WAITALL) == b"hello"


def test_a_reload_that_adds_a_region_disturbs_nobody(house):
    daemon, echo = house.daemon(), house.keep(Echo())
    daemon.write_config(endpoints=endpoint(daemon, [echo.target, echo.target]))
    daemon.start()
    daemon.switch(US)
    with client(daemon) as stream:
        assert echoes(stream, b"before")
        new = {name: {"targets": {"ap-east-1": "192.0.2.30:5432"}} for name in daemon.config["endpoints"]}
        daemon.write_config(regions=["ap-east-1", EU, US], endpoints=new)
        daemon.cli("reload", expect=0)
        assert echoes(stream, b"after")
        assert relay_of(daemon)["closed_by_switch"] == 0


def test_words_on_their_way_die_with_the_daemon(house):
    """It is killed, or restarts because a loop hangs: what comes after it is fenced, and believes so."""
    daemon = house.daemon()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind((fresh_address(), 7001))
        listener.listen()
        target = "%s:%d" % listener.getsockname()
        daemon.write_config(endpoints=endpoint(daemon, [target, target]))
        daemon.start()
        with client(daemon) as stream, listener.accept()[0] as database:
            stream.sendall(bytes(60000))
            eventually(lambda: relay_of(daemon)["bytes_to_target"] == 60000, "all is on its way")
            daemon.kill()
            with pytest.raises(ConnectionResetError):
                while database.recv(60000):
                    pass


def test_a_daemon_can_stop_while_a_probe_waits_for_an_address(house):
    upstream = house.upstream()
    upstream.script("us.db.test", SILENT)
    daemon = house.daemon([upstream])
    daemon.write_config(endpoints=endpoint(
        daemon, ["192.0.2.1:5432", "us.db.test:5432"], probe={"type": "postgres"}))
    daemon.start()
    daemon.switch(US)
    eventually(lambda: upstream.count("us.db.test"), "the probe asks for the address")
    daemon.terminate()
