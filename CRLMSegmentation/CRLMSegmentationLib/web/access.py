"""Who may use the page: on this computer everybody at it, from elsewhere whoever has the token.

A web site that the person visits by the way must not reach the page either: a request has to name the page's own host
(against DNS rebinding) and, where a browser says where it comes from, to come from the page itself.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from aiohttp import web

COOKIE = "crlm_token"
SHORTEST_TOKEN = 12
_ENTRANCE = "/enter"
_WRONG_TOKEN_WAIT_S = 1.0
_ASK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>CRLM Navigation</title>
<style>body{{background:#0d1218;color:#e6edf3;font:18px sans-serif;display:grid;place-items:center;height:90vh}}
form{{width:340px}}input,button{{font-size:18px;width:100%;box-sizing:border-box;padding:12px;margin-top:12px;
border-radius:10px;border:1px solid #2a3947;background:#161e27;color:#e6edf3}}button{{background:#2f9bd8}}</style>
<form method="post" action="enter"><b>CRLM Navigation</b><br>{text}
<input name="token" type="password" autofocus aria-label="token"><button>Enter</button></form></html>"""
_SENTENCE = "Type the token that the terminal shows."


def is_loopback(host: str) -> bool:
    """True for names and addresses of this computer itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """128 random bits as text for an address."""
    return secrets.token_urlsafe(16)


def gate(token: str | None):
    """An aiohttp middleware that lets through who may; token: None where only this computer can connect."""

    @web.middleware
    async def guard(request: web.Request, handler):
        host = urlsplit(f"//{request.host}").hostname or ""
        if token is None and not is_loopback(host):
            return web.Response(status=403, text="This page is served to this computer only.")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return web.Response(status=403, text="Another web site may not use this page.")
        if token is not None and (request.path == _ENTRANCE or not _same(request.cookies.get(COOKIE), token)):
            return await _ask(request, token)
        try:
            response = await handler(request)
        except ConnectionError:
            # The tab went away in the middle of a message.
            return web.Response(status=503)
        if not response.prepared:
            response.headers.setdefault("X-Content-Type-Options", "nosniff")
            response.headers.setdefault("X-Frame-Options", "DENY")
            response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    return guard


async def _ask(request: web.Request, token: str) -> web.StreamResponse:
    """Take a token that comes along, or ask for it. It is kept in a cookie and taken out of the address."""
    offered = request.query.get("token")
    if request.method == "POST" and request.path == _ENTRANCE:
        offered = str((await request.post()).get("token", "")).strip()
    if offered is None:
        return _page(_SENTENCE, 401)
    if not _same(offered, token):
        await asyncio.sleep(_WRONG_TOKEN_WAIT_S)
        return _page("That is not the token. " + _SENTENCE, 401)
    response = web.Response(status=303, headers={"Location": "/"})
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.secure)
    return response


def _page(text: str, status: int) -> web.Response:
    return web.Response(status=status, text=_ASK.format(text=text), content_type="text/html")


def _same(offered: str | None, token: str) -> bool:
    return offered is not None and hmac.compare_digest(offered.encode(), token.encode())
