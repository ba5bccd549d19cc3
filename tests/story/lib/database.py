"""A database as far as a client sees it that asks for TLS: PostgreSQL's or MySQL's first words, then
a handshake with the certificate that it is given, or none."""
import contextlib
import socket
import ssl
import subprocess
import threading

from lib.machine import fresh_address

SSL_FLAG = 0x0800


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificate(folder, name, names=(), days=90):
    """A certificate and its key in one file, for `names` ("DNS:…" or "IP:…")."""
    file = folder / f"{name}.pem"
    extra = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / f"{name}.key", "-subj", f"/CN={name}", "-days", days,
            "-out", file, *extra)
    with file.open("a") as out:
        out.write((folder / f"{name}.key").read_text())
    return file


class Database:
    def __init__(self, certificate=None, protocol="postgres", port=None):
        self.protocol = protocol
        self.address = fresh_address()
        self.port = port or {"postgres": 5432, "mysql": 3306}[protocol]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            self.context.sni_callback = self._note_name
        self.asked = 0  # handshakes that were begun
        self.server_names = []
        self.listener = socket.create_server((self.address, self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def __str__(self):
        return f"{self.address}:{self.port}"

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _note_name(self, _, name, __):
        self.server_names.append(name)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            connection.settimeout(20)
            speak = {"postgres": self._speak_postgres, "mysql": self._speak_mysql}[self.protocol]
            if not speak(connection):
                return
            self.asked += 1
            with self.context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

    def _speak_postgres(self, connection):
        if connection.recv(8, socket.MSG_WAITALL) != bytes([0, 0, 0, 8, 4, 210, 22, 47]):
            return False
        connection.sendall(b"S" if self.context else b"N")
        return self.context

    def _speak_mysql(self, connection):
        flags = 0xf7ff | (SSL_FLAG if self.context else 0)
        greeting = (b"\x0a8.0.36\0" + bytes(4) + b"saltsalt\0" + flags.to_bytes(2, "little") +
                    b"\x2d\x02\0\xff\xdf\x15" + bytes(10) + b"saltsaltsalt\0"
                    b"caching_sha2_password\0")
        connection.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        request = connection.recv(36, socket.MSG_WAITALL)
        asked = int.from_bytes(request[4:8], "little") & SSL_FLAG
        return request[:4] == b"\x20\0\0\1" and asked and self.context
