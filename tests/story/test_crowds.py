"""Crowds that must not keep an operator from a switch."""
import socket
import subprocess
import sys
import time

import pytest

from lib.daemon import EU, US

# As nobody: asks for the status without end on many connections, and reads what comes.
READERS = """
import os, socket, sys, threading
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
questions = b'{"jsonrpc":"2.0","id":1,"method":"status"}\\n' * 20000
def read(connection):
    while connection.recv(1 << 20):
        pass
def ask():
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    threading.Thread(target=read, args=[connection], daemon=True).start()
    while True:
        connection.sendall(questions)
threads = [threading.Thread(target=ask, daemon=True) for _ in range(40)]
for thread in threads:
    thread.start()
print("asking", flush=True)
threads[0].join()
"""


def switch_back_and_forth(daemon, seconds):
    """Each switch succeeds; the longest time that one took."""
    worst, number, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        daemon.switch([US, EU][number % 2])
        worst = max(worst, time.monotonic() - began)
        number += 1
    return worst


@pytest.mark.root
def test_readers_that_ask_without_end_do_not_keep_operators_from_a_switch(house):
    daemon = house.daemon().start()
    for number in range(50):  # a long history makes for long answers
        daemon.switch([US, EU][number % 2], "--reason", "r" * 1000)
    crowd = subprocess.Popen([sys.executable, "-c", READERS, str(daemon.socket)],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert crowd.stdout.readline() == "asking\n"
        assert switch_back_and_forth(daemon, seconds=6) < 3
    finally:
        crowd.kill()
        crowd.wait()
    assert "loop_hangs" not in daemon.log()


def test_clients_over_tcp_leave_descriptors_for_a_switch(house, upstream):
    daemon = house.daemon([upstream], wrap=["prlimit", "--nofile=256:256"],
                          resolver={"threads": 2}).start()
    clients = []
    try:
        for _ in range(600):
            clients.append(socket.socket())
            clients[-1].settimeout(0.2)
            if clients[-1].connect_ex((daemon.address, daemon.port)) != 0:
                break
        switch_back_and_forth(daemon, seconds=1)
    finally:
        for client in clients:
            client.close()
