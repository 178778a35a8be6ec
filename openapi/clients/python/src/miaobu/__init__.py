"""Python client of the Miaobu API."""

from ._client import Miaobu, pages
from ._problem import ProblemError
from ._sender import Answer, RequestOptions
from ._upload import SiteFile, folder
from ._values import UNSET, Unset
from .generated import *  # noqa: F403

__all__ = [
    "UNSET",
    "Answer",
    "Miaobu",
    "ProblemError",
    "RequestOptions",
    "SiteFile",
    "Unset",
    "folder",
    "pages",
]
