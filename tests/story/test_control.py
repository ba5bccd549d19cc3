"""The control socket: JSON-RPC 2.0, one object a line, bounded (pilotlight-control(7))."""
import json
import socket
import threading

import pytest

from lib.ask import addresses, ask
from lib.control import Refused
from lib.daemon import EU, US
from lib.machine import resident_kib


def exchange(daemon, line):
    with daemon.control() as control:
        control.send_raw(line)
        return control.receive()


def test_hello_tells_protocol_and_version(daemon):
    with daemon.control() as control:
        hello = control.call("hello")
    assert hello["protocol"] == 1 and hello["version"]


@pytest.mark.parametrize("line, code", [
    (b"nonsense\n", -32700), (b"{\n", -32700), (b"\xff\xfe\n", -32700), (b"[]\n", -32600),
    (b'[{"jsonrpc":"2.0","id":1,"method":"hello"}]\n', -32600), (b'"x"\n', -32600),
    (b'{"id":1,"method":"hello"}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":7}\n', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"conquer"}\n', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"failover"}\n', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"failover","params":{"region":7}}\n', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"explain","params":{"name":7}}\n', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"request","params":{"request":"a b"}}\n', -32602),
    (b"[" * 5000 + b"\n", -32700)], ids=lambda value: repr(value)[:40])
def test_a_bad_request_gets_json_rpcs_own_error(daemon, line, code):
    reply = exchange(daemon, line)
    assert reply["error"]["code"] == code and reply["jsonrpc"] == "2.0"
    assert daemon.is_ready()


def test_a_refusal_carries_the_exit_status_and_its_word(daemon):
    with daemon.control() as control, pytest.raises(Refused) as refused:
        control.call("switchover", region=US)
    assert refused.value.code == 1003 and refused.value.data["status"] == 3
    with daemon.control() as control, pytest.raises(Refused) as refused:
        control.call("failover", region="mars", switch_only=True)
    assert refused.value.code == 1002


def test_requests_on_one_connection_are_answered_each(daemon):
    with daemon.control() as control:
        control.send_raw(b"".join(json.dumps({"jsonrpc": "2.0", "id": i, "method": "hello"})
                                  .encode() + b"\n" for i in range(100)))
        assert sorted(control.receive()["id"] for _ in range(100)) == list(range(100))


def test_a_request_in_pieces_is_put_together(daemon):
    with daemon.control() as control:
        for byte in b'{"jsonrpc":"2.0","id":7,"method":"hello"}\n':
            control.send_raw(bytes([byte]))
        assert control.receive()["id"] == 7


def test_a_line_over_a_mebibyte_ends_the_connection_and_costs_nothing(daemon):
    before = resident_kib(daemon.pid)
    for _ in range(5):
        with daemon.control() as control:
            with pytest.raises((OSError, json.JSONDecodeError, AssertionError)):
                control.send_raw(b"x" * (3 << 20))
                assert "result" in control.receive()
    assert daemon.is_ready()
    assert resident_kib(daemon.pid) - before < 16 << 10


def test_many_clients_at_once_are_served(house, daemon):
    clients = [house.keep(daemon.control()) for _ in range(50)]
    for client in clients:
        assert client.call("hello")["protocol"] == 1


def test_two_operators_at_once_are_taken_one_after_the_other(daemon):
    results = []

    def move(region):
        with daemon.control() as control:
            results.append(control.call("failover", region=region, switch_only=True,
                                        groups=["default"])["status"])

    movers = [threading.Thread(target=move, args=((US, EU)[i % 2],)) for i in range(20)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    assert results == [0] * 20
    expected = {EU: "192.0.2.10", US: "192.0.2.20"}[daemon.active("default")]
    assert addresses(ask(daemon, "api.shop.internal")) == [expected]


def test_a_client_that_hangs_up_in_mid_command_does_not_stop_the_change(daemon):
    with daemon.control() as control:
        control.send("failover", region=US, switch_only=True, groups=["default"], request="r1")
    with daemon.control() as control:
        outcome = control.call("request", request="r1")
    assert outcome["status"] == 0 and daemon.active("default") == US
