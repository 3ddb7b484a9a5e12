"""The same faults for this project's receiver and for pyigtl's client, in one run: what arrives, and who comes back.

    python Testing/Benchmarks/stream_faults.py [--json FILE]

pyigtl keeps the newest message of each name only; to be fair, whatever it unpacks is counted here as delivered.
"""

from __future__ import annotations

import argparse
import json
import logging
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CRLMSegmentation"))

import numpy as np
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message, transform_message
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_announcement, pack_message
from CRLMSegmentationLib.tracking.openigtlink.server import Server

CUTS = 20
BACK_WITHIN_S = 2.0


class Ours:
    """This project's receiver; `names` are those of the transforms that it took."""

    def __init__(self, port):
        self.receiver = Receiver(port=port, ask_for_metadata=False)
        self.names = []
        handle = self.receiver._handle

        def noting(message):
            self.names.append(message.device_name)
            handle(message)

        self.receiver._handle = noting
        self.receiver.start()

    def close(self):
        self.receiver.stop()


class Pyigtls:
    """pyigtl's client."""

    def __init__(self, port):
        import pyigtl

        self.names = names = []

        class Noting(dict):
            def __setitem__(self, key, value):
                names.append(key)
                super().__setitem__(key, value)

        self.client = pyigtl.OpenIGTLinkClient(port=port, start_now=False)
        self.client.incoming_messages = Noting()
        self.client.start()

    def close(self):
        self.client.stop()


def good(name):
    return pack_message(transform_message(np.eye(4), name, 1.0))


def wait_for(condition, timeout_s):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


def delivered(client_class, pieces, expected, pause_s=0.0):
    """How many of the `expected` names arrive when a server sends `pieces`, and how many others."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = client_class(listener.getsockname()[1])
        try:
            connection, _ = listener.accept()
            connection.settimeout(5)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    if pause_s:
                        time.sleep(pause_s)
            except OSError:
                # The client has closed the connection.
                pass
            wait_for(lambda: expected <= set(client.names), 2.0)
            connection.close()
            return len(expected & set(client.names)), len([name for name in client.names if name not in expected])
        finally:
            client.close()


def wrong_checksums(client_class):
    damaged = [bytearray(good(f"Damaged{number}")) for number in range(100)]
    for one in damaged:
        one[-10] ^= 1
    _arrived, accepted = delivered(client_class, [*map(bytes, damaged), good("Last")], {"Last"})
    return f"{accepted} of 100 damaged messages taken for good"


def malformed(client_class):
    def bad(number):
        header = struct.Struct("> H 12s 20s II Q Q")
        kinds = [
            good("Bad")[:-20],
            header.pack(1, b"TRANSFORM", b"Bad", 0, 0, 1 << 40, 0),
            header.pack(1, b"IMAGE", b"Bad", 0, 0, 20, 0) + bytes(20),
            header.pack(1, b"\xff\xfe", b"\xff", 0, 0, 0, 0),
            b"rubbish" * 7,
        ]
        return kinds[number % len(kinds)]

    names = [f"Good{number}" for number in range(200)]
    pieces = [bad(number) + good(name) for number, name in enumerate(names)]
    return f"{delivered(client_class, pieces, set(names))[0]} of 200 good messages among 200 bad ones arrive"


def split_headers(client_class):
    names = [f"Split{number}" for number in range(20)]
    pieces = [piece for name in names for piece in (good(name)[:30], good(name)[30:])]
    arrived, _ = delivered(client_class, pieces, set(names), pause_s=0.02)
    return f"{arrived} of 20 messages whose header comes in two pieces"


def comes_back(client_class, fault):
    """How often the client is back within two seconds after its connection was lost."""
    back, times = 0, []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(BACK_WITHIN_S)
        client = client_class(listener.getsockname()[1])
        try:
            connection, _ = listener.accept()
            for number in range(CUTS):
                connection.sendall(good(f"Before{number}"))
                wait_for(lambda number=number: f"Before{number}" in client.names, 1.0)
                if fault == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                lost_at = time.monotonic()
                connection.close()
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    return f"back after {back} of {CUTS} (not back within {BACK_WITHIN_S:g} s after the next)"
                back += 1
                times.append(time.monotonic() - lost_at)
            connection.close()
        finally:
            client.close()
    return f"back after {back} of {CUTS}, at most {max(times):.2f} s"


def three_clients_with_our_server():
    """Two that listen and one that is stalled."""
    pixels, rate, sent = np.zeros((512, 512), np.uint8), 100, 300
    with Server(queue_bytes=16 << 20) as server:
        with Receiver(port=server.port) as one, Receiver(port=server.port) as two:
            stalled = socket.create_connection(("127.0.0.1", server.port))
            stalled.sendall(pack_announcement())
            wait_for(lambda: server.client_count == 3, 5)
            for number in range(sent):
                server.send([image_message(pixels, np.eye(4), "Image_Reference", float(number))])
                time.sleep(1 / rate)
            wait_for(lambda: one.status.frames == two.status.frames == sent, 5)
            result = f"{one.status.frames} and {two.status.frames} of {sent} frames; {server.released_clients} released"
            stalled.close()
    return result


def three_clients_with_pyigtls_server():
    import pyigtl

    sent = 300
    server = pyigtl.OpenIGTLinkServer(port=0)
    port = server.server_address[1]
    stalled = socket.create_connection(("127.0.0.1", port))
    time.sleep(0.5)
    clients = [Receiver(port=port, ask_for_metadata=False).start() for _ in range(2)]
    pixels = np.zeros((1, 512, 512), np.uint8)
    for _ in range(sent):
        server.send_message(pyigtl.ImageMessage(pixels, device_name="Image_Reference"), wait=False)
        time.sleep(0.01)
    result = " and ".join(str(client.status.frames) for client in clients) + f" of {sent} frames"
    for client in clients:
        client.stop()
    stalled.close()
    threading.Thread(target=server.stop, daemon=True).start()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    # What pyigtl writes of each fault would hide the figures.
    logging.disable(logging.CRITICAL)
    faults = {
        "wrong checksums": wrong_checksums,
        "malformed messages": malformed,
        "split headers": split_headers,
        "orderly close": lambda client: comes_back(client, "close"),
        "reset": lambda client: comes_back(client, "reset"),
    }
    result = {name: {"ours": fault(Ours), "pyigtl": fault(Pyigtls)} for name, fault in faults.items()}
    result["three clients, one stalled"] = {
        "ours": three_clients_with_our_server(),
        "pyigtl": three_clients_with_pyigtls_server(),
    }
    text = json.dumps(result, indent=2)
    print(text, flush=True)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
