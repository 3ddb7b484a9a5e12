"""Threads of the page's program share memory, so that what a closed case leaves behind is used by the next."""

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, tempfile, threading
from CRLMSegmentationLib.web.server.few_arenas import keep_few_arenas

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fopen.restype, libc.fopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]
libc.malloc_info.argtypes, libc.fclose.argtypes = [ctypes.c_int, ctypes.c_void_p], [ctypes.c_void_p]
if sys.argv[1] == "few":
    assert keep_few_arenas()
together = threading.Barrier(6)

def work():
    together.wait()
    assert libc.malloc(1000)
    together.wait()

threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as told:
    file = libc.fopen(told.name.encode(), b"w")
    assert libc.malloc_info(0, file) == 0
    libc.fclose(file)
    print(open(told.name).read().count("<heap nr="))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "malloc_info"), reason="no malloc of glibc"
)
def test_threads_share_two_arenas():
    arenas = {}
    for how in ("few", "usual"):
        ended = subprocess.run([sys.executable, "-c", PROGRAM, how], check=True, capture_output=True, encoding="utf-8")
        arenas[how] = int(ended.stdout)
    assert arenas["few"] <= 2 < arenas["usual"]
