"""A client that shows a newer header version loses nothing by it."""

import socket
import time

import numpy as np
from CRLMSegmentationLib.tracking.openigtlink.conversion import transform_message
from CRLMSegmentationLib.tracking.openigtlink.framing import MessageParser
from CRLMSegmentationLib.tracking.openigtlink.server import Server
from CRLMSegmentationLib.tracking.openigtlink.server import server as server_module


def test_a_message_that_is_being_packed_while_the_version_changes_still_arrives(monkeypatch):
    server = Server().start()
    pack_all = server_module.pack_all

    def pack_while_the_client_changes(messages, version):
        for client in server._clients:
            client.parser.highest_version = 2
        return pack_all(messages, version)

    try:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            assert server.wait_for_client(600)
            monkeypatch.setattr(server_module, "pack_all", pack_while_the_client_changes)
            server.send([transform_message(np.eye(4), "StylusToReference", 1.0)])
            connection.settimeout(600)
            parser, found, deadline = MessageParser(), [], time.monotonic() + 600
            while not found and time.monotonic() < deadline:
                found = [m for m in parser.feed(connection.recv(4096)) if m.message_type == "TRANSFORM"]
        assert [message.device_name for message in found] == ["StylusToReference"]
    finally:
        server.stop()
