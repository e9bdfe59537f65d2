#!/usr/bin/env python3
"""A batch counter whose state survives either node: a runtime state provider over the WebSocket.

Run one beside each node, with nothing but Python's standard library:

    provider.py 127.0.0.1:8650        beside the one
    provider.py 127.0.0.1:8651        beside the other

The one at the active node counts, and posts after it has counted. The other applies what it is told,
and goes on counting from there when its node becomes active.
"""
import base64
import json
import os
import socket
import sys
import time

COUNT_EVERY_SECONDS = 0.2


class WebSocket:
    """As much of RFC 6455 as a provider needs: text out, text in, pings answered."""

    def __init__(self, address, path):
        host, port = address.rsplit(":", 1)
        self.stream = socket.create_connection((host, int(port)), timeout=10)
        self.received = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall(
            (
                f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n"
                f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self.received:
            self.more()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(head.decode(errors="replace"))

    def more(self):
        part = self.stream.recv(65536)
        if not part:
            raise ConnectionError("the node closed")
        self.received += part

    def take(self, count):
        while len(self.received) < count:
            self.more()
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def send(self, payload, opcode=1):
        """A client masks what it sends."""
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([0x80 | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
        else:
            head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.stream.sendall(head + mask + masked)

    def receive(self, wait):
        """The next text, or None when there was none in time."""
        self.stream.settimeout(wait)
        try:
            while len(self.received) < 2:
                self.more()
        except TimeoutError:
            return None
        self.stream.settimeout(10)
        first, second = self.take(2)
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(self.take(2), "big")
        elif length == 127:
            length = int.from_bytes(self.take(8), "big")
        payload = self.take(length)
        opcode = first & 0x0F
        if opcode == 9:
            self.send(payload, opcode=10)
        if opcode == 8:
            raise ConnectionError(f"the node closed: {payload[2:].decode(errors='replace')}")
        return payload.decode() if opcode == 1 else ""


class Counter:
    """The state, and the three things a provider must be able to do with it."""

    def __init__(self):
        self.items = {}
        self.active = False
        self.posts = 0

    def handle(self, node, message):
        kind = message["kind"]
        if kind == "role":
            self.active = message["may_post"]
            print(f"{message['state']}, count {self.items.get('count', 0)}", flush=True)
        elif kind == "apply":
            self.apply(message["ops"])
        elif kind == "restore":
            self.items = {it["item"]: it.get("value") for it in message["items"]}
        elif kind == "snapshot-wanted":
            items = [{"item": item, "value": value} for item, value in self.items.items()]
            node.send(json.dumps({"kind": "snapshot", "id": message["id"], "items": items}).encode())

    def apply(self, ops):
        for op in ops:
            if op["op"] == "set":
                self.items[op["item"]] = op.get("value")
            elif op["op"] == "remove":
                self.items.pop(op["item"], None)
            elif op["op"] == "replace-all":
                self.items = {it["item"]: it.get("value") for it in op["items"]}

    def count(self, node):
        """First the own state, then the post: what is posted is not delivered back here."""
        self.items["count"] = self.items.get("count", 0) + 1
        self.posts += 1
        op = {"op": "set", "item": "count", "value": self.items["count"]}
        node.send(json.dumps({"kind": "post", "id": self.posts, "ops": [op]}).encode())


def follow(address):
    counter = Counter()
    node = WebSocket(address, "/api/v1/providers/batch-counter")
    due = time.monotonic()
    while True:
        text = node.receive(max(0.001, due - time.monotonic()))
        if text:
            counter.handle(node, json.loads(text))
        if time.monotonic() >= due:
            due = time.monotonic() + COUNT_EVERY_SECONDS
            if counter.active:
                counter.count(node)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    while True:
        try:
            follow(sys.argv[1])
        except OSError as error:
            print(f"not connected: {error}", file=sys.stderr, flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
