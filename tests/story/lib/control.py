"""The control protocol (pilotlight-control(7)), spoken by hand: also how a script plays the sidecar."""
import json
import socket


class Refused(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.words = error["message"]
        self.data = error.get("data") or {}

    @property
    def status(self):
        return self.code - 1000


class Control:
    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.next_id = 0
        self.notifications = []

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, method, **params):
        self.next_id += 1
        self.send_raw(json.dumps({"jsonrpc": "2.0", "id": self.next_id, "method": method,
                                  "params": params}).encode() + b"\n")
        return self.next_id

    def send_raw(self, data):
        self.socket.sendall(data)

    def receive(self):
        line = self.lines.readline()
        if not line:
            raise ConnectionResetError("the daemon hung up")
        return json.loads(line)

    def call(self, method, **params):
        """The result; notifications and questions that come first are kept; an error is raised as
        Refused."""
        wanted = self.send(method, **params)
        while True:
            message = self.receive()
            if "method" in message:
                self.notifications.append(message)
                continue
            assert message["id"] == wanted, message
            if "error" in message:
                raise Refused(message["error"])
            return message["result"]

    def notification(self):
        return self.notifications.pop(0) if self.notifications else self.receive()
