"""A script that plays the sidecar where the daemon asks: plan, policy, ready, readopt."""
import json
import threading

from lib.control import Control


class PlayedSidecar:
    """`answers[method]` is a function of the parameters whose result is answered; one that returns a
    string has that line sent as it is, None keeps silent."""

    def __init__(self, daemon, **answers):
        self.answers = answers
        self.asked = []
        self.control = Control(daemon.socket)
        self.control.call("hello", role="sidecar")
        self.control.socket.settimeout(None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                self.hear(self.control.receive())
        except (OSError, ValueError):
            pass  # closed, by the daemon or by us

    def hear(self, message):
        if "method" not in message or "id" not in message:
            return
        self.asked.append((message["method"], message["params"]))
        result = self.answers[message["method"]](message["params"])
        if isinstance(result, str):
            self.control.send_raw(result.encode() + b"\n")
        elif result is not None:
            reply = {"jsonrpc": "2.0", "id": message["id"], **result}
            self.control.send_raw(json.dumps(reply).encode() + b"\n")

    def close(self):
        try:
            self.control.socket.shutdown(2)
        except OSError:
            pass
        self.thread.join(10)
        self.control.close()


def result(**members):
    return {"result": members}


def error(code, words):
    return {"error": {"code": code, "message": words}}
