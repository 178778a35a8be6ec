"""The client: the operations, and what takes several of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from ._retry import Backoff
from ._sender import Answer, RequestOptions, segment
from ._upload import SiteFile, upload
from ._values import decode
from .generated import Deployment, LogLine, NewDeployment, Operations

_FINAL = ("deployed", "failed", "cancelled", "purged")
# How long the server holds an answer back while nothing changes.
_LONGEST_WAIT_SECONDS = 30
# How often a log that brings nothing new is opened again.
_STREAM_ATTEMPTS = 8
# The server says every 5 seconds that it lives.
_STREAM_SILENCE_SECONDS = 20

T = TypeVar("T")


class _Page(Protocol[T]):
    @property
    def data(self) -> list[T]: ...
    @property
    def next_cursor(self) -> str | None: ...


def pages(read: Callable[..., _Page[T]], *arguments: Any, **options: Any) -> Iterator[T]:
    """Yield a list's objects; each page is asked for when it is needed.

    ``for project in pages(miaobu.list_projects): …``
    """
    cursor = None
    while True:
        page = read(*arguments, cursor=cursor, **options)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


class Miaobu(Operations):
    """A client of the Miaobu API: each operation is a method, and so is what takes several of them."""

    def deploy_files(self, project: str, files: Iterable[SiteFile], about: NewDeployment | None = None) -> Deployment:
        """Deploy files: send their list, then what the server lacks of them, and queue the deployment. Wait for it with
        ``wait_for_deployment``. ``about`` says what else the deployment is; its list of files is filled in."""
        return upload(self, project, files, about or NewDeployment(files=[]))

    def wait_for_deployment(self, deployment_id: int) -> Deployment:
        """Wait until a deployment's status is final, and return it; look at its ``status``."""
        while True:
            deployment = self.get_deployment(deployment_id, wait=_LONGEST_WAIT_SECONDS).data
            if deployment.status in _FINAL:
                return deployment

    def follow_logs(
        self, deployment_id: int, *, after: int = 0, on_gap: Callable[[], None] | None = None
    ) -> Iterator[LogLine]:
        """Follow a deployment's log, line by line, until the deployment ends. A stream that breaks is opened again
        where it broke off: no line is missed, and none comes twice. ``on_gap`` is told when the server dropped
        lines."""
        backoff = Backoff(_STREAM_ATTEMPTS)
        while True:
            failure: Exception = ConnectionError("the stream broke off")
            try:
                with self._open_log(deployment_id, after) as answer:
                    for event, data in _events(answer):
                        if event == "end":
                            return
                        if event == "gap" and on_gap:
                            on_gap()
                        if event != "message":
                            continue
                        line = decode(LogLine, json.loads(data))
                        after = line.seq
                        backoff.reset()
                        yield line
            except Exception as error:
                failure = error
            backoff.wait(failure)

    def _open_log(self, deployment_id: int, after: int) -> Answer:
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        options = RequestOptions(headers=headers, timeout_seconds=_STREAM_SILENCE_SECONDS)
        return self.send("GET", f"/api/v1/public/deployments/{segment(deployment_id)}/logs", options=options)


def _events(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the kind and the data of each event of a stream; comments are left out."""
    event, data = "", list[str]()
    for raw in lines:
        if not raw.endswith(b"\n"):
            return  # The stream broke off within a line.
        name, _, value = raw.decode().rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif raw in (b"\n", b"\r\n"):
            if data or event:
                yield event or "message", "\n".join(data)
            event, data = "", []
