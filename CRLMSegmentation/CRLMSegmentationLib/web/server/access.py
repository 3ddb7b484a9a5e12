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
from aiohttp.typedefs import Handler, Middleware

from ...words import language, mark, tr

COOKIE = "crlm_token"
SHORTEST_TOKEN = 12
_ENTRANCE = "/enter"
_WRONG_TOKEN_WAIT_S = 1.0
_ASK = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>CRLM Navigation</title>
<style>body{{background:#0d1218;color:#e6edf3;font:18px sans-serif;display:grid;place-items:center;height:90vh}}
form{{width:340px}}input,button{{font-size:18px;width:100%;box-sizing:border-box;padding:12px;margin-top:12px;
border-radius:10px;border:1px solid #2a3947;background:#161e27;color:#e6edf3}}button{{background:#2f9bd8}}</style>
<form method="post" action="enter"><b>CRLM Navigation</b><br>{text}
<input name="token" type="password" autofocus aria-label="{token}"><button>{enter}</button></form></html>"""
_SENTENCE = mark("Type the token that the terminal shows.")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": a form would then be sent with the origin "null".
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'",
}


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


def gate(token: str | None) -> Middleware:
    """An aiohttp middleware that lets through who may; token: None where only this computer can connect."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await answer(request, handler)
        except web.HTTPException as error:
            # A redirection of aiohttp's own, or a page that is not there.
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        if token is None and not is_loopback(_host_of(f"//{request.host}")):
            return web.Response(status=403, text="This page is served to this computer only.")
        origin = request.headers.get("Origin")
        if origin is not None and _netloc_of(origin) != request.host:
            return web.Response(status=403, text="Another web site may not use this page.")
        if token is not None:
            is_known = _same(request.cookies.get(COOKIE), token)
            # Also for who is known already: a token in an address is read over a shoulder, and kept in a history.
            if not is_known or request.path == _ENTRANCE or "token" in request.query:
                return await _ask(request, token, is_known)
        try:
            return await handler(request)
        except ConnectionError:
            # The tab went away in the middle of a message.
            return web.Response(status=503)

    return guard


async def _ask(request: web.Request, token: str, is_known: bool) -> web.StreamResponse:
    """Take a token that comes along, or ask for it. It is kept in a cookie and taken out of the address."""
    offered = request.query.get("token")
    if request.method == "POST" and request.path == _ENTRANCE:
        offered = await _typed_token(request)
    if is_known and not _same(offered, token):
        return web.Response(status=303, headers={"Location": "/"})
    if offered is None:
        return _page(tr(_SENTENCE), 401)
    if not _same(offered, token):
        await asyncio.sleep(_WRONG_TOKEN_WAIT_S)
        return _page(tr("That is not the token.") + " " + tr(_SENTENCE), 401)
    response = web.Response(status=303, headers={"Location": "/"})
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.secure)
    return response


async def _typed_token(request: web.Request) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    try:
        return str((await request.post()).get("token", "")).strip()
    except (ValueError, LookupError):  # bytes that are no text, or of an alphabet that there is not
        return ""


def _page(text: str, status: int) -> web.Response:
    form = _ASK.format(text=text, language=language(), token=tr("token"), enter=tr("Enter"))
    return web.Response(status=status, text=form, content_type="text/html")


def _same(offered: str | None, token: str) -> bool:
    # A cookie may hold bytes that are no text; they come as surrogates, which do not encode as they are.
    return offered is not None and hmac.compare_digest(offered.encode(errors="replace"), token.encode())


def _host_of(address: str) -> str:
    """Of an address; '' when it is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _netloc_of(address: str) -> str:
    """Host and port of an address; '' when it is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""
