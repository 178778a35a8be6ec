"""Trying again what may pass by itself."""

from __future__ import annotations

import http.client
import random
import time
import urllib.error

from ._problem import ProblemError

_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 10.0
# A server that asks for more patience than this is not waited for.
_LONGEST_RETRY_AFTER_SECONDS = 60.0


def is_transient(failure: Exception) -> bool:
    """Whether the same request may succeed later: a connection that broke, a limit that was met, a server that
    restarts."""
    if isinstance(failure, ProblemError):
        return failure.status in (429, 502, 503, 504) or failure.code == "idempotency_key_in_use"
    return isinstance(failure, urllib.error.URLError | http.client.HTTPException | OSError)


class Backoff:
    """Counts tries, and waits longer after each."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failures = 0

    def reset(self) -> None:
        """Forget earlier failures, because something went well."""
        self._failures = 0

    def wait(self, failure: Exception) -> None:
        """Wait until another try makes sense; raise the failure when none does."""
        self._failures += 1
        asked = _retry_after(failure)
        hopeless = not is_transient(failure) or self._failures >= self._attempts
        if hopeless or (asked or 0) > _LONGEST_RETRY_AFTER_SECONDS:
            raise failure
        full = min(_FIRST_WAIT_SECONDS * 2 ** (self._failures - 1), _LONGEST_WAIT_SECONDS)
        # Between half of it and all, so that many clients do not come back at once.
        time.sleep(asked if asked is not None else full * random.uniform(0.5, 1))


def _retry_after(failure: Exception) -> float | None:
    if not isinstance(failure, ProblemError):
        return None
    seconds = failure.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else None
