"""An S3 that does as it is told, over HTTP or TLS: keeps objects, or plays what a story scripts.

    s3.script("/late", lambda wire, request: …)     # instead of the store; the body is not read yet
    s3.requests                                      # what came, in order, with `connection` numbers
    S3(certificate=(leaf, key))                      # over TLS; `resumed` counts such handshakes
"""
import socket
import ssl
import threading

from lib.http import Ended, Wire
from lib.machine import MANY, fresh_address

PORT = 9000


class S3:
    def __init__(self, certificate=None, address=None, port=PORT):
        self.address, self.port = address or fresh_address(), port
        self.tls = certificate and ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.tls:
            self.tls.load_cert_chain(*certificate)
        self.resumed = 0
        self.objects, self.scripts, self.requests = {}, {}, []
        self.connections = 0
        self.wires = []
        self.listener = socket.create_server((self.address, self.port), backlog=256)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}"

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # or accept(2) would take one more
        except OSError:
            pass
        self.listener.close()
        self.drop()

    def drop(self):
        """Ends every connection, as S3 does with idle ones."""
        wires, self.wires = self.wires, []
        for wire in wires:
            try:
                wire.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def script(self, path, play):
        self.scripts[path] = play

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.begin, args=(connection, self.connections),
                             daemon=True).start()

    def begin(self, connection, number):
        if self.tls:
            connection.settimeout(MANY)
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                connection.close()
                return
            self.resumed += connection.session_reused
        wire = Wire(connection)
        wire.number = number
        self.wires.append(wire)
        self.serve(wire)

    def serve(self, wire):
        wire.socket.settimeout(None)
        try:
            while True:
                request = wire.head()
                request.connection = wire.number
                self.requests.append(request)
                play = self.scripts.get(request.target.partition("?")[0], self.store)
                if play(wire, request) == "close":
                    break
        except (Ended, OSError):
            pass
        finally:
            wire.close()

    @staticmethod
    def read_body(wire, request):
        if request["Expect"]:
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request["Transfer-Encoding"] == "chunked":
            request.body = wire.chunks()
        else:
            request.body = wire.exactly(int(request["Content-Length"] or 0))
        return request.body

    @staticmethod
    def reply(wire, status, body=b"", fields="", head_only=False):
        wire.send(f"HTTP/1.1 {status} Scripted\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
                  .encode() + (b"" if head_only else body))

    def store(self, wire, request):
        body = self.read_body(wire, request)
        path = request.target.partition("?")[0]
        if request.method == "PUT":
            self.objects[path] = body
            self.reply(wire, 200, fields='ETag: "put"\r\n')
        elif request.method == "POST":
            self.reply(wire, 200, b"<Result>" + str(len(body)).encode() + b"</Result>")
        elif request.method == "DELETE":
            self.objects.pop(path, None)
            wire.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        elif path not in self.objects:
            self.reply(wire, 404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.get(wire, request, self.objects[path])

    def get(self, wire, request, body):
        status, fields = 200, 'ETag: "get"\r\n'
        if request["Range"]:
            first, last = request["Range"].removeprefix("bytes=").split("-")
            fields += f"Content-Range: bytes {first}-{last}/{len(body)}\r\n"
            status, body = 206, body[int(first):int(last) + 1]
        self.reply(wire, status, body, fields, head_only=request.method == "HEAD")
