"""Sends requests: again when that can help, and always under one idempotency key."""

from __future__ import annotations

import json as jsons
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, TypeVar

from ._problem import ProblemError
from ._retry import Backoff
from ._values import decode, encode

T = TypeVar("T")


class Answer:
    """An answer whose body is still to be read; close it, or use it in a ``with`` block."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Message[str, str] = response.headers

    def read(self) -> bytes:
        """Return the rest of the body."""
        return self._response.read()  # type: ignore[no-any-return]

    def __iter__(self) -> Any:
        """The lines of the body, as they come."""
        return iter(self._response)

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()


@dataclass(kw_only=True)
class RequestOptions:
    """What every operation can be told."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers."""
    idempotency_key: str | None = None
    """Names a POST, so that sent again it is answered again and carried out once; a random one when absent."""
    if_match: str | None = None
    """The ``ETag`` that the object must still have."""
    on_answer: Callable[[Answer], None] | None = None
    """Is shown the answer, with its headers; its body is not to be read."""
    timeout_seconds: float | None = None
    """How long the server may be silent."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token must not follow to another place."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def segment(value: str | int) -> str:
    """Return ``value`` as one segment of a path."""
    return urllib.parse.quote(str(value), safe="")


class Sender:
    """How to reach a server."""

    def __init__(
        self, base_url: str, token: str | None = None, *, attempts: int = 5, timeout_seconds: float = 60
    ) -> None:
        """``base_url`` is where the API is, such as ``http://127.0.0.1:8080``; ``token`` is an API token or a
        session's; ``attempts`` is how often a request is tried before its failure is raised; ``timeout_seconds`` is how
        long the server may be silent."""
        self._base_url = base_url.rstrip("/")
        self._token = token
        self._attempts = attempts
        self._timeout_seconds = timeout_seconds

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: object = None,
        content: bytes | None = None,
        options: RequestOptions | None = None,
    ) -> Answer:
        """Send a request and return the answer, once it is a success."""
        options = options or RequestOptions()
        body = content if json is None else jsons.dumps(encode(json)).encode()
        headers = self._headers(method, json is not None, content is not None, options)
        url = self._base_url + path + _search(query or {})
        timeout = options.timeout_seconds or self._timeout_seconds
        backoff = Backoff(self._attempts)
        while True:
            request = urllib.request.Request(url, data=body, headers=headers, method=method)
            try:
                answer = Answer(_opener.open(request, timeout=timeout))
            except urllib.error.HTTPError as error:
                with error:
                    backoff.wait(ProblemError(error.code, error.headers, _rest(error)))
            except Exception as error:
                backoff.wait(error)
            else:
                if options.on_answer:
                    options.on_answer(answer)
                return answer

    def send_for_json(self, kind: type[T], method: str, path: str, **content: Any) -> T:
        """Send a request and return the answer as ``kind``."""
        with self.send(method, path, **content) as answer:
            return decode(kind, jsons.loads(answer.read()))

    def send_for_nothing(self, method: str, path: str, **content: Any) -> None:
        """Send a request whose answer says nothing."""
        with self.send(method, path, **content):
            pass

    def _headers(self, method: str, is_json: bool, is_bytes: bool, options: RequestOptions) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "miaobu-python"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if is_json:
            headers["Content-Type"] = "application/json"
        if is_bytes:
            headers["Content-Type"] = "application/octet-stream"
        if method == "POST":
            headers["Idempotency-Key"] = options.idempotency_key or str(uuid.uuid4())
        if options.if_match is not None:
            headers["If-Match"] = options.if_match
        return {**headers, **options.headers}


def _search(query: Mapping[str, object]) -> str:
    words = {True: "true", False: "false"}
    given = {name: value for name, value in query.items() if value is not None}
    given = {name: words[value] if isinstance(value, bool) else value for name, value in given.items()}
    return "?" + urllib.parse.urlencode(given) if given else ""


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except OSError:
        return b""
