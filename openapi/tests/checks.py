"""Checks of every answer, besides those that schemathesis has."""

import json
import os

import schemathesis

# What the server says of a request whose shape the document does not allow; any other code is about its meaning.
SHAPE = {
    "invalid_parameter",
    "invalid_value",
    "missing_field",
    "repeated_field",
    "repeated_parameter",
    "too_few",
    "too_large",
    "too_long",
    "too_many",
    "too_short",
    "too_small",
    "unknown_field",
    "unknown_parameter",
    "unknown_value",
    "wrong_type",
}
# A document cannot say which cursors there are.
MEANING = {"invalid_cursor"}

CALLER = os.environ.get("MIAOBU_CALLER", "owner")


def problem(response):
    try:
        return json.loads(response.content)
    except ValueError:
        return {}


@schemathesis.check
def what_the_document_allows_is_not_refused_for_its_shape(ctx, response, case):
    """In place of `positive_data_acceptance`: a slug that is taken, or bytes that are no archive, may be refused."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    told = problem(response)
    codes = {error["code"] for error in told.get("errors", [])}
    if response.status_code in (405, 406, 413, 415):
        raise AssertionError(f"refused with {response.status_code}: {told}")
    if response.status_code == 400 and told.get("code") not in MEANING:
        raise AssertionError(f"refused with 400: {told}")
    if response.status_code == 422 and (codes & SHAPE or not told.get("code")):
        raise AssertionError(f"refused for its shape: {told}")


@schemathesis.check
def a_stranger_gets_nothing(ctx, response, case):
    """Without a good credential an operation that wants one says that, and nothing else."""
    if CALLER != "stranger" or not case.operation.definition.raw.get("security"):
        return
    # Another method than the operation's is no operation at all.
    if case.method.upper() != case.operation.method.upper() and response.status_code == 405:
        return
    if response.status_code not in (401, 404):
        raise AssertionError(f"a stranger was answered {response.status_code}")


@schemathesis.check
def every_refusal_is_a_problem(ctx, response, case):
    """Whatever is refused, and by whatever part of the server, has one form."""
    if response.status_code < 400:
        return
    told = problem(response)
    media = response.headers.get("content-type", [""])[0]
    if media != "application/problem+json" or told.get("status") != response.status_code:
        # The answer to HEAD has no body.
        if case.method.upper() != "HEAD":
            raise AssertionError(f"{media}: {response.content[:200]!r}")
    if not response.headers.get("x-request-id"):
        raise AssertionError("no x-request-id")
