"""What the server refuses."""

from __future__ import annotations

import json
from email.message import Message
from typing import TYPE_CHECKING, Any

from ._values import decode

if TYPE_CHECKING:
    from .generated import FieldProblem


class ProblemError(Exception):
    """The server refused a request, or could not carry it out."""

    status: int
    """The HTTP status."""
    code: str
    """A stable code in snake_case, to decide by; ``http_503`` and the like when what answered is not this API."""
    errors: list[FieldProblem]
    """Every field that was refused."""
    hint: str | None
    """What to do next."""
    request_id: str | None
    """Stands in the server's log beside the request."""
    headers: Message[str, str]
    """The headers of the answer."""

    def __init__(self, status: int, headers: Message[str, str], body: bytes) -> None:
        from .generated import FieldProblem

        problem = _parse(body)
        self.status = status
        self.code = problem.get("code", f"http_{status}")
        self.errors = [decode(FieldProblem, item) for item in problem.get("errors", [])]
        self.hint = problem.get("hint")
        self.request_id = problem.get("request_id", headers.get("x-request-id"))
        self.headers = headers
        detail = problem.get("detail", "the server gave no reason")
        super().__init__(f"{detail} ({self.code})")


def _parse(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) and "code" in value else {}
