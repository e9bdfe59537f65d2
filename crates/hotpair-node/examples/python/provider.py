#!/usr/bin/env python3
"""A program in another language as a runtime state provider. Standard library only.

It counts once a second, on whichever node is active, and goes on counting where the other one
was after a switch. Start one beside each node:

    python3 provider.py http://127.0.0.1:8650 counter
"""

import base64
import json
import os
import select
import socket
import struct
import sys
import time
from urllib.parse import urlsplit


class Session:
    """One WebSocket (RFC 6455) to a node: JSON in, JSON out."""

    def __init__(self, base, path, token=None):
        url = urlsplit(base)
        self.socket = socket.create_connection((url.hostname, url.port or 80), timeout=3)
        self.bytes = b""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {url.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.bytes:
            self._more()
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        status = head.split(b"\r\n")[0].decode()
        if " 101 " not in status:
            raise ConnectionError(f"{base} says {status}: {self.bytes.decode(errors='replace')}")

    def send(self, message, opcode=1):
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        size = len(body)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def receive(self, seconds):
        """The next message; None when none comes in time."""
        until = time.monotonic() + seconds
        whole = b""
        while True:
            frame = self._frame()
            if frame is None:
                left = until - time.monotonic()
                if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                    return None
                self._more()
                continue
            final, opcode, body = frame
            if opcode == 8:
                reason = body[2:].decode(errors="replace")
                raise ConnectionError(f"the node closed the session: {reason}")
            if opcode == 9:
                self.send(body, opcode=10)
            elif opcode in (0, 1, 2):
                whole += body
                if final:
                    return json.loads(whole)

    def _more(self):
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("the connection to the node is gone")
        self.bytes += got

    def _frame(self):
        data = self.bytes
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(data[2:10], "big"), 10
        if len(data) < at or len(data) < at + size:
            return None
        self.bytes = data[at + size :]
        return data[0] & 0x80, data[0] & 0x0F, data[at : at + size]


class Counter:
    """The live state: item -> number."""

    def __init__(self):
        self.state = {}
        self.active = False
        self.restored = False
        self.posts = 0

    def on(self, message, session):
        kind = message["kind"]
        if kind == "role":
            self.active = message["may_post"]
            print(f"{message['state']}, epoch {message['epoch']}", flush=True)
        elif kind == "restore":
            self.state = {it["item"]: it.get("value") for it in message["items"]}
            self.restored = True
            print(f"restored {self.state}", flush=True)
        elif kind == "apply":
            for op in message["ops"]:
                if op["op"] == "set":
                    self.state[op["item"]] = op.get("value")
                elif op["op"] == "remove":
                    self.state.pop(op["item"], None)
                else:
                    self.state = {it["item"]: it.get("value") for it in op["items"]}
            print(f"applied {self.state}", flush=True)
        elif kind == "snapshot-wanted":
            items = [{"item": item, "value": value} for item, value in self.state.items()]
            session.send({"kind": "snapshot", "id": message["id"], "items": items})
        elif kind == "posted" and message["outcome"] != "done":
            print(f"not posted: {message}", flush=True)

    def step(self, session):
        """Changes the state first, then posts it: what is posted is not delivered back."""
        self.state["count"] = (self.state.get("count") or 0) + 1
        self.posts += 1
        op = {"op": "set", "item": "count", "value": self.state["count"]}
        session.send({"kind": "post", "id": self.posts, "ops": [op]})
        print(f"counted {self.state['count']}", flush=True)


def main():
    base, name = sys.argv[1], sys.argv[2]
    while True:
        counter = Counter()
        try:
            path = f"/api/v1/providers/{name}?encoding=json"
            session = Session(base, path, os.environ.get("HOTPAIR_TOKEN"))
            next_step = time.monotonic() + 1
            while True:
                message = session.receive(max(0.0, next_step - time.monotonic()))
                if message is not None:
                    counter.on(message, session)
                if time.monotonic() >= next_step:
                    next_step += 1
                    if counter.active and counter.restored:
                        counter.step(session)
        except (OSError, ConnectionError) as error:
            # The node may be gone for a moment: everything comes back with `restore`.
            print(error, flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    main()
