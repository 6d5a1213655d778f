"""MQTT packets as bytes, for peers that have to say exactly what a finding is about. Versions 3.1.1 (4) and 5."""

import socket
import struct


def text(value):
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


def length(count):
    out = b""
    while True:
        count, digit = divmod(count, 128)
        out += bytes([digit | (128 if count else 0)])
        if not count:
            return out


def packet(first, body=b""):
    return bytes([first]) + length(len(body)) + body


def connect(client_id, level=4, clean=True, properties=b""):
    extra = length(len(properties)) + properties if level == 5 else b""
    return packet(0x10, text("MQTT") + bytes([level, 2 if clean else 0]) + struct.pack(">H", 60) + extra + text(client_id))


def publish(topic, payload, qos, packet_id, level=4, dup=False):
    head = text(topic) + (struct.pack(">H", packet_id) if qos else b"") + (b"\0" if level == 5 else b"")
    return packet(0x30 | dup << 3 | qos << 1, head + payload)


def acknowledge(first, packet_id):
    return packet(first, struct.pack(">H", packet_id))


class Peer:
    """One connection: whole packets in and out. `receive` gives (first byte, body), or None at the end of the connection or the time-out."""

    def __init__(self, connection):
        self.socket = connection
        self.rest = b""

    @classmethod
    def to(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port), 5))

    def send(self, *packets):
        self.socket.sendall(b"".join(packets))

    def receive(self, seconds=5):
        self.socket.settimeout(seconds)
        while True:
            count = shift = 0
            for at, digit in enumerate(self.rest[1:5], 2):
                count |= (digit & 127) << shift
                shift += 7
                if not digit & 128:
                    if len(self.rest) < at + count:
                        break
                    found = self.rest[0], self.rest[at : at + count]
                    self.rest = self.rest[at + count :]
                    return found
            try:
                more = self.socket.recv(65536)
            except OSError:
                return None
            if not more:
                return None
            self.rest += more

    def close(self):
        self.socket.close()
