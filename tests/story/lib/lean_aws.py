"""An AWS that says no more than it must: one port for all services, HTTP/1.0 replies that end with
the connection, no request id, and of every reply the members alone that the documentation calls
required or the goal of a step is about.

    aws = LeanAws(DescribeDBInstances=lambda asked: …, PromoteReadReplica=…)
    aws.calls      # ["DescribeDBInstances", …]"""
import http.server
import json
import re
import threading
import urllib.parse

ALONE = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
         "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "AKIALEAN",
         "AWS_SECRET_ACCESS_KEY": "lean"}
PATHS = [("GET", r"/hostedzone/[^/]+/rrset", "ListResourceRecordSets"),
         ("POST", r"/hostedzone/[^/]+/rrset", "ChangeResourceRecordSets"),
         ("GET", r"/change/", "GetChange"),
         ("GET", r"\?replication", "GetBucketReplication"),
         ("PUT", r"\?replication", "PutBucketReplication")]


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        target = self.headers.get("X-Amz-Target")
        if target:
            action, asked = target.split(".")[1], json.loads(body)
        else:
            asked = dict(urllib.parse.parse_qsl(body))
            action = asked.get("Action") or next(
                (name for method, pattern, name in PATHS
                 if method == self.command and re.search(pattern, self.path)), self.path)
        status, text = self.server.scene.reply(action, asked)
        self.send_response_only(status)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class LeanAws:
    """Each action is a function of what was asked: its reply's inside (for query services), all of
    it (JSON, REST), or a tuple of a status and all of it."""

    def __init__(self, **actions):
        self.actions, self.calls = actions, []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.scene = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply(self, action, asked):
        self.calls.append(action)
        if action not in self.actions:
            return 400, ("<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>"
                         if "Action" in asked else '{"__type": "UnknownOperationException"}')
        reply = self.actions[action](asked)
        if isinstance(reply, tuple):
            return reply
        if isinstance(reply, dict):
            return 200, json.dumps(reply)
        if "Action" not in asked:
            return 200, reply
        if asked["Version"] == "2016-11-15":  # EC2 has no wrapping
            return 200, f"<{action}Response>{reply}</{action}Response>"
        return 200, (f'<{action}Response xmlns="https://lean/"><{action}Result>{reply}'
                     f"</{action}Result></{action}Response>")

    def count(self, action):
        return self.calls.count(action)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
