"""Who may use the page: nobody from elsewhere without the token, and no other web site."""

import asyncio

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed: access to the page was not tested")

from aiohttp import web  # noqa: E402
from aiohttp.test_utils import TestClient, TestServer  # noqa: E402

from CRLMSegmentationLib.web.access import COOKIE, gate, is_loopback, new_token  # noqa: E402


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


def test_tokens_differ():
    assert len({new_token() for _ in range(50)}) == 50 and min(len(new_token()) for _ in range(50)) >= 20
