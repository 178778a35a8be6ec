"""Checks of every answer, besides those that schemathesis has."""

import json
import os
import uuid

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
# What path parameters are to be, where a caller asks for somebody else's objects.
OBJECTS = json.loads(os.environ.get("MIAOBU_OBJECTS", "{}"))
# How a request is refused that is malformed whatever it asks for.
MALFORMED = {400, 405, 406, 411, 413, 415, 422}


def problem(response):
    try:
        return json.loads(response.content)
    except ValueError:
        return {}


@schemathesis.check
def what_the_document_allows_is_not_refused_for_its_shape(ctx, response, case):
    """What `positive_data_acceptance` leaves open: where a meaning may be refused, it was not a shape that was."""
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


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is not None and case.meta.generation.mode.is_positive and case.headers:
        # In its coverage phase schemathesis takes the quotation marks off an entity tag.
        tag = case.headers.get("If-Match")
        if tag is not None and tag != "*" and not tag.endswith('"'):
            case.headers["If-Match"] = f'"{tag}"'
        # It has few keys, and a key is good for one request.
        key = case.headers.get("Idempotency-Key")
        if key:
            case.headers["Idempotency-Key"] = key[:200] + uuid.uuid4().hex
    for name in case.path_parameters or {}:
        if name in OBJECTS:
            case.path_parameters[name] = OBJECTS[name]


@schemathesis.check
def a_foreigner_gets_nothing(ctx, response, case):
    """Somebody else's objects are not there, whatever is asked of them; what is malformed is refused as ever."""
    if CALLER != "foreigner" or not set(case.path_parameters or {}) & {"project", "team_id", "deployment_id"}:
        return
    if response.status_code not in {401, 404} | MALFORMED:
        raise AssertionError(f"a foreigner was answered {response.status_code}: {response.content[:200]!r}")


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
