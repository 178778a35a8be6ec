"""Deploys files: their list, then what the server lacks of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ._problem import ProblemError
from .generated import Deployment, ManifestFile, MissingBlob, NewDeployment, Operations

_BATCH_BYTES = 8 * 1024 * 1024
_BATCH_BLOBS = 1000
# A blob larger than this travels alone, in parts of this size.
_PART_BYTES = 8 * 1024 * 1024
_SKIPPED = {".git", ".hg", ".svn", ".miaobu", ".DS_Store", ".env"}


@dataclass(frozen=True)
class SiteFile:
    """A file of a site."""

    path: str
    """Where it stands: relative, ``/`` between names."""
    read: Callable[[], bytes]
    """Return its bytes; asked twice when the server lacks them, so that not all files are in memory at once."""


def folder(root: str | os.PathLike[str]) -> Iterator[SiteFile]:
    """Yield the files of a folder, without version control, local state, local secrets and ``node_modules`` at its
    top."""
    yield from _walk(Path(root), "")


def _walk(place: Path, inside: str) -> Iterator[SiteFile]:
    for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
        name = entry.name
        if name in _SKIPPED or name.startswith(".env.") or (not inside and name == "node_modules"):
            continue
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise ValueError(f"{entry} is neither a file nor a folder")
        if entry.is_dir():
            yield from _walk(entry, f"{inside}{name}/")
        else:
            yield SiteFile(inside + name, entry.read_bytes)


def upload(api: Operations, project: str, site: Iterable[SiteFile], about: NewDeployment) -> Deployment:
    """Carry out ``Miaobu.deploy_files``."""
    files = []
    sources = {}
    for file in site:
        content = file.read()
        sha256 = hashlib.sha256(content).hexdigest()
        files.append(ManifestFile(path=file.path, sha256=sha256, size_bytes=len(content)))
        sources[sha256] = file
    started = api.create_deployment(project, replace(about, files=files)).data
    deployment_id = started.deployment.id
    missing = started.upload.missing
    for batch in batches(blob for blob in missing if blob.size_bytes <= _PART_BYTES):
        api.upload_blobs(deployment_id, b"".join(frame(blob.sha256, sources[blob.sha256].read()) for blob in batch))
    for blob in missing:
        if blob.size_bytes > _PART_BYTES:
            _send_parts(api, deployment_id, blob, sources[blob.sha256].read())
    return api.finish_deployment(deployment_id).data


def batches(blobs: Iterable[MissingBlob]) -> Iterator[list[MissingBlob]]:
    """Put blobs together until a request is full."""
    batch: list[MissingBlob] = []
    size = 0
    for blob in blobs:
        if batch and (len(batch) == _BATCH_BLOBS or size + blob.size_bytes > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(blob)
        size += blob.size_bytes
    if batch:
        yield batch


def frame(sha256: str, content: bytes) -> bytes:
    """Return what a batch holds for one blob: its digest, its length as a big-endian number, its bytes."""
    return bytes.fromhex(sha256) + len(content).to_bytes(8, "big") + content


def _send_parts(api: Operations, deployment_id: int, blob: MissingBlob, content: bytes) -> None:
    offset = blob.received_bytes
    while offset < len(content):
        part = content[offset : offset + _PART_BYTES]
        try:
            receipt = api.upload_blob(deployment_id, blob.sha256, part, offset=offset).data
        except ProblemError as problem:
            # A try whose answer was lost may have arrived: the server knows how far it came.
            if problem.code != "offset_mismatch":
                raise
            open_blobs = api.get_upload(deployment_id).data.missing
            known = next((other for other in open_blobs if other.sha256 == blob.sha256), None)
            if known is None:
                return
            if known.received_bytes == offset:
                raise
            offset = known.received_bytes
        else:
            offset = receipt.received_bytes
            if receipt.complete:
                return
