"""A network namespace with a loopback, port 53 and resolv.conf of its own."""
import contextlib
import ctypes
import itertools
import os
import pathlib
import shutil
import subprocess

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count(1)


def enter(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def inside(name):
    """What this thread does in here (and threads and programs that it starts) happens in there."""
    with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{name}") as there:
        enter(there)
        try:
            yield
        finally:
            enter(before)


class Namespace:
    """Commands run in it by `wrap`; `ip netns exec` mounts /etc/netns/NAME/* over /etc/*."""

    def __init__(self, resolv_conf):
        self.name = f"pilotlight-{os.getpid()}-{next(_numbers)}"
        self.etc = pathlib.Path("/etc/netns") / self.name
        self.wrap = ["ip", "netns", "exec", self.name]
        self.had_parent = self.etc.parent.exists()
        self.etc.mkdir(parents=True)
        self.set_resolv_conf(resolv_conf)
        (self.etc / "nsswitch.conf").write_text("hosts: dns\n")
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("ip", "link", "set", "lo", "up", check=True)
        # getaddrinfo asks for no family of which the host has nothing but loopback
        self.run("ip", "address", "add", "198.51.100.1/32", "dev", "lo", check=True)
        self.run("ip", "address", "add", "2001:db8:ffff::1/128", "dev", "lo", check=True)

    def set_resolv_conf(self, text):
        (self.etc / "resolv.conf").write_text(text)  # in place: it is bind-mounted

    def run(self, *command, **options):
        return subprocess.run([*self.wrap, *command], capture_output=True, text=True, timeout=60,
                              **options)

    def inside(self):
        """Sockets alone: this thread's files, /etc/resolv.conf too, stay what they were."""
        return inside(self.name)

    def close(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
        shutil.rmtree(self.etc)
        if not self.had_parent:
            self.etc.parent.rmdir()
