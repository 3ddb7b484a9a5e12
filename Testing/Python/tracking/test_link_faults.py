"""The link is cut in every way, again and again: the receiver comes back, and what it received is in the file."""

import ctypes
import json
import os
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import numpy as np
from CRLMSegmentationLib.sweep import read_sweep
from CRLMSegmentationLib.sweep.recorder import Recorder
from CRLMSegmentationLib.tracking import Receiver
from CRLMSegmentationLib.tracking.openigtlink.conversion import image_message
from CRLMSegmentationLib.tracking.openigtlink.messages import StatusMessage
from CRLMSegmentationLib.tracking.openigtlink.packing import pack_announcement, pack_message

FAULTS = ("orderly close", "reset", "killed in a message", "server away", "silence", "rubbish")
if sys.platform == "linux":
    FAULTS += ("half open",)
# 100 on demand: CRLM_LINK_CUTS=100, with the figures in the file CRLM_LINK_CUTS_JSON
CUTS = int(os.environ.get("CRLM_LINK_CUTS", "10"))
SO_ATTACH_FILTER = 26


def make_deaf(connection):
    """The computer at this end has vanished: from now on not even its system takes what comes (Linux socket filter)."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HL", 1, ctypes.addressof(instruction))
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


class FaultyServer:
    """Sends a few numbered frames on each connection and then commits the next of `faults`."""

    def __init__(self, faults):
        self.faults = faults
        self.sent = 0
        self.whole = []
        self.away_s = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.kept_open = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        chance = random.Random(5)
        connection, _ = self.listener.accept()
        for fault in self.faults:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # What a server leaves unread turns its orderly close into a reset that overtakes its last messages.
            connection.recv(len(pack_announcement()), socket.MSG_WAITALL)
            connection.sendall(pack_message(StatusMessage()))
            for _ in range(chance.randrange(1, 6)):
                connection.sendall(self.frame())
                self.whole.append(self.sent - 1)
            if fault == "killed in a message":
                connection.sendall(self.frame()[: chance.randrange(1, 3000)])
            elif fault == "rubbish":
                connection.sendall(chance.randbytes(chance.randrange(1, 2000)))
            if fault in ("reset", "half open"):
                # What was sent before has to arrive first.
                time.sleep(0.05)
            if fault == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if fault == "half open":
                make_deaf(connection)
            if fault == "server away":
                self.listener.close()
            if fault in ("silence", "half open"):
                # Neither a word nor an end: the program hangs, or its computer has been switched off.
                self.kept_open.append(connection)
            else:
                connection.close()
            if fault == "server away":
                time.sleep(chance.uniform(0.1, 0.4))
                self.listener = socket.create_server(("127.0.0.1", self.port))
            there_again = time.monotonic()
            connection, _ = self.listener.accept()
            self.away_s.append(time.monotonic() - there_again)
        connection.sendall(self.frame())
        self.whole.append(self.sent - 1)
        self.kept_open.append(connection)

    def frame(self):
        number, self.sent = self.sent, self.sent + 1
        pixels = np.full((50, 60), number % 251, np.uint8)
        return pack_message(image_message(pixels, np.eye(4), "Image_Reference", float(number)))

    def close(self):
        self.thread.join(600)
        for each in [*self.kept_open, self.listener]:
            each.close()


def test_the_link_is_cut_in_every_way(tmp_path):
    chance = random.Random(6)
    faults = [*FAULTS, *(chance.choice(FAULTS) for _ in range(CUTS - len(FAULTS)))]
    server = FaultyServer(faults)
    recorder = Recorder(tmp_path / "a.igs.mha")
    numbers = []
    try:
        with Receiver(port=server.port) as receiver:
            while server.thread.is_alive() or not numbers or numbers[-1] != server.whole[-1]:
                frame = receiver.get(60)
                assert frame is not None, f"the receiver did not come back: {receiver.status}"
                recorder.add(frame)
                numbers.append(round(frame.timestamp))
            status = receiver.status
    finally:
        server.close()
    (path,) = recorder.stop()
    assert numbers == server.whole, "every frame that was sent whole arrives, once and in order"
    assert [round(frame.timestamp) for frame in read_sweep(path).frames] == numbers
    assert status.connections == len(faults) + 1 == status.closures + 1 and status.dropped == 0
    assert len(status.interruptions) == len(faults)
    assert all(interruption.reason and interruption.duration_s < 60 for interruption in status.interruptions)
    starts = [interruption.began_at for interruption in status.interruptions]
    assert starts == sorted(starts) and abs(starts[-1] - time.time()) < 600
    if "CRLM_LINK_CUTS_JSON" in os.environ:
        by_fault = {
            fault: [round(away, 3) for one, away in zip(faults, server.away_s) if one == fault] for fault in FAULTS
        }
        figures = {
            "cuts": len(faults), "frames_sent_whole": len(server.whole), "frames_in_the_file": len(numbers),
            "reconnected_after_s": {
                fault: {"cuts": len(times), "longest": max(times)} for fault, times in by_fault.items()
            },
            "longest_s": max(server.away_s),
        }  # fmt: skip
        Path(os.environ["CRLM_LINK_CUTS_JSON"]).write_text(json.dumps(figures, indent=2), encoding="utf-8")
