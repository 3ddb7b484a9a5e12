"""A library's chatter is dropped, and only in the thread that asked for it."""

import threading

from CRLMSegmentationLib.inference.quiet import this_thread_prints_nothing


def test_only_this_thread_is_silent(capsys):
    with this_thread_prints_nothing():
        print("chatter")
        other = threading.Thread(target=print, args=("important",))
        other.start()
        other.join()
    print("after")
    assert capsys.readouterr().out == "important\nafter\n"


def test_blocks_that_end_in_another_order_leave_nobody_silent(capsys):
    first, second = this_thread_prints_nothing(), this_thread_prints_nothing()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    print("heard")
    assert capsys.readouterr().out == "heard\n"
