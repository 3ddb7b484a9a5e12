"""Who may use the page: nobody from elsewhere without the token, and no other web site."""

import asyncio

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed: access to the page was not tested")

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from CRLMSegmentationLib.web.server.access import COOKIE, gate, is_loopback, new_token


def _ask(token, *requests):
    """Answers of a page behind the gate: [(status, text, location, cookies)], one visitor after the other."""

    async def page(_request):
        return web.Response(text="the page")

    async def run():
        app = web.Application(middlewares=[gate(token)])
        app.router.add_get("/", page)
        app.router.add_get("/ws", page)
        answers = []
        async with TestClient(TestServer(app)) as client:
            for method, path, options in requests:
                async with client.request(method, path, allow_redirects=False, **options) as answer:
                    answers.append((answer.status, await answer.text(), dict(answer.headers), dict(answer.cookies)))
        return answers

    return asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1", "LOCALHOST"])
def test_this_computer(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "localhost.example.org", ""])
def test_other_computers(host):
    assert not is_loopback(host)


def test_without_a_token_only_pages_of_this_computer_are_answered():
    own, rebound, foreign = _ask(
        None,
        ("GET", "/", {}),
        ("GET", "/", {"headers": {"Host": "attacker.example"}}),
        ("GET", "/ws", {"headers": {"Origin": "http://attacker.example"}}),
    )
    assert own[:2] == (200, "the page")
    assert own[2]["X-Frame-Options"] == "DENY"
    assert rebound[0] == 403 and "the page" not in rebound[1]
    assert foreign[0] == 403


def test_the_token_opens_the_page_and_leaves_the_address():
    token = new_token()
    nothing, wrong, right, typed, inside = _ask(
        token,
        ("GET", "/", {}),
        ("GET", "/?token=guess", {}),
        ("GET", f"/?token={token}", {"cookies": {COOKIE: "old"}}),
        ("POST", "/enter", {"data": {"token": f" {token} "}}),
        ("GET", "/", {"cookies": {COOKIE: token}}),
    )
    assert nothing[0] == 401 and "token" in nothing[1] and "the page" not in nothing[1]
    assert wrong[0] == 401 and "not the token" in wrong[1]
    for answer in (right, typed):
        assert answer[0] == 303 and answer[2]["Location"] == "/"
        assert answer[3][COOKIE].value == token and answer[3][COOKIE]["httponly"]
    assert inside[:2] == (200, "the page")


def test_a_token_does_not_open_the_page_to_other_sites():
    token = new_token()
    foreign = {"cookies": {COOKIE: token}, "headers": {"Origin": "http://attacker.example"}}
    (answer,) = _ask(token, ("GET", "/ws", foreign))
    assert answer[0] == 403


def _ask_raw(token, *requests: bytes):
    """What a page behind the gate answers to bytes that no browser sends."""

    async def page(_request):
        return web.Response(text="the page")

    async def run():
        app = web.Application(middlewares=[gate(token)])
        app.router.add_route("*", "/{path:.*}", page)
        answers = []
        async with TestServer(app) as server:
            for request in requests:
                reader, writer = await asyncio.open_connection(server.host, server.port)
                writer.write(request + b"Connection: close\r\n\r\n")
                answers.append(await reader.read())
                writer.close()
        return answers

    return asyncio.run(run())


def test_headers_that_are_no_text_are_refused_without_a_fault(caplog):
    token = new_token()
    cookie, host, origin, form = _ask_raw(
        token,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: crlm_token=\xff\xfe\xe9\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n",
        b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
        b"Content-Type: application/x-www-form-urlencoded; charset=klingon\r\n",
    )
    assert b" 401 " in cookie.splitlines()[0]
    for answer in (host, origin, form):
        assert b" 40" in answer.splitlines()[0] and b"the page" not in answer
    (local,) = _ask_raw(None, b"GET / HTTP/1.1\r\nHost: [::1\r\n")
    assert b" 403 " in local.splitlines()[0] or b" 400 " in local.splitlines()[0]
    assert not [record for record in caplog.records if record.exc_info]


def test_no_answer_may_be_shown_within_another_page():
    token = new_token()
    answers = _ask(
        token,
        ("GET", "/", {}),
        ("GET", "/?token=guess", {}),
        ("GET", "/", {"headers": {"Origin": "http://attacker.example"}}),
        ("GET", "/absent", {"cookies": {COOKIE: token}}),
        ("GET", "/", {"cookies": {COOKIE: token}}),
    )
    assert [answer[0] for answer in answers] == [401, 401, 403, 404, 200]
    for answer in answers:
        assert answer[2]["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer[2]["Content-Security-Policy"]


def test_the_token_leaves_the_address_of_who_is_known_already():
    token = new_token()
    for offered in (token, "old"):
        (answer,) = _ask(token, ("GET", f"/?token={offered}", {"cookies": {COOKIE: token}}))
        assert answer[0] == 303 and answer[2]["Location"] == "/"


def test_a_socket_needs_the_token():
    token = new_token()
    without, wrong = _ask(token, ("GET", "/ws", {}), ("GET", "/ws", {"cookies": {COOKIE: "a-wrong-token"}}))
    assert without[0] == wrong[0] == 401


def test_tokens_differ():
    assert len({new_token() for _ in range(50)}) == 50 and min(len(new_token()) for _ in range(50)) >= 20
