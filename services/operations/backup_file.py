"""What a backup is on disk: copies of the databases and a manifest, whole or not there.

One that is kept is an archive; one that is replaced every half minute is a folder with the same in it, which costs no packing.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import time
import zlib
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from services.domain.errors import Misconfigured, Unavailable

FORMAT = 1
MANIFEST = "manifest.json"
DESK, PAPER = "desk", "paper.db"
PARTIAL, SCRATCH = ".partial", ".backup-"
LARGEST_MANIFEST = 1 << 16
CHUNK = 1 << 20
# A partial file of a process that was killed; a running one writes its own all the time.
ABANDONED_S = 86_400
_NAME = re.compile(r"sortie-\d{8}-\d{6}(-[a-z0-9-]+)?\.tar\.gz")
ROLLING = "rolling"
_FOLDER_NAME = re.compile(r"sortie-\d{8}-\d{6}-\d{6}")
_FAULTS = {
    errno.ENOSPC: ("NO_SPACE", "make room on that disk, or set backup.dir to another"),
    errno.EDQUOT: ("NO_SPACE", "make room in the quota, or set backup.dir to another disk"),
    errno.EACCES: ("NO_RIGHT", "look at the folder's owner and mode"),
    errno.EPERM: ("NO_RIGHT", "look at the folder's owner and mode"),
    errno.EROFS: ("NO_RIGHT", "the disk is mounted for reading only"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of an archive, ``size`` in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive says of itself: when it was taken, by which version, of which kind of database at which revision."""

    at: datetime
    version: str
    database: str
    revision: str
    members: tuple[Member, ...]

    def has(self, name: str) -> bool:
        """Tell whether the archive holds a file of that name."""
        return any(member.name == name for member in self.members)


@contextmanager
def clear_faults(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into Unavailable that says what to do; anything else stays as it is."""
    try:
        yield
    except OSError as error:
        code, fix = _FAULTS.get(error.errno or 0, ("NOT_WRITTEN", "look at the folder and its disk"))
        raise Unavailable(code, folder=folder, cause=error.strerror or str(error), fix=fix) from error


def file_name(at: datetime, tag: str = "") -> str:
    """Return the name of a backup taken at a time; names sort by time."""
    return f"sortie-{at:%Y%m%d-%H%M%S}{'-' + tag if tag else ''}.tar.gz"


def backups_in(folder: Path) -> list[Path]:
    """Return the backups in a folder, oldest first."""
    return sorted(file for file in folder.glob("sortie-*.tar.gz") if _NAME.fullmatch(file.name))


def folder_name(at: datetime) -> str:
    """Return the name of a rolling copy of a moment; names sort by time."""
    return f"sortie-{at:%Y%m%d-%H%M%S-%f}"


def copies_in(folder: Path) -> list[Path]:
    """Return the rolling copies of a folder of backups, oldest first."""
    return sorted(each for each in (folder / ROLLING).glob("sortie-*") if _FOLDER_NAME.fullmatch(each.name))


def newest_in(folder: Path) -> Path | None:
    """Return the backup or rolling copy of the latest moment whose manifest can be read, or None."""
    found = []
    for each in [*backups_in(folder), *copies_in(folder)]:
        with suppress(Misconfigured):
            found.append((read_manifest(each).at, each))
    return max(found)[1] if found else None


def drop_old(folder: Path, keep: int) -> tuple[str, ...]:
    """Remove all but the newest ``keep`` backups, and what killed processes left; return the names of the former."""
    for left in [*folder.glob(f"*{PARTIAL}"), *folder.glob(f"{SCRATCH}*")]:
        if time.time() - left.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    old = backups_in(folder)[:-keep]
    for file in old:
        file.unlink(missing_ok=True)
    return tuple(file.name for file in old)


def describe(name: str, file: Path) -> Member:
    """Return a file's size and hash under the name that it gets in the archive."""
    digest = hashlib.sha256()
    with file.open("rb") as copy:
        while chunk := copy.read(CHUNK):
            digest.update(chunk)
    return Member(name=name, size=file.stat().st_size, sha256=digest.hexdigest())


def write_archive(target: Path, manifest: Manifest, files: Sequence[Path]) -> None:
    """Write manifest and files, readable by their owner alone; the target appears when all of it is on disk."""
    partial = target.with_name(f"{target.name}.{os.getpid()}{PARTIAL}")
    try:
        with _private(partial) as out:
            with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
                _add_manifest(archive, manifest)
                for member, file in zip(manifest.members, files, strict=True):
                    archive.add(file, arcname=member.name, recursive=False, filter=_anonymous)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, target)
        sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def place_folder(staged: Path, target: Path, manifest: Manifest) -> None:
    """Give a folder that holds copies its manifest and its name; the target appears when all of it is on disk.

    Whoever copied has the copies themselves on disk already.
    """
    with _private(staged / MANIFEST) as out:
        out.write(_manifest_text(manifest))
        out.flush()
        os.fsync(out.fileno())
    sync_folder(staged)
    os.replace(staged, target)
    sync_folder(target.parent)


def read_manifest(file: Path) -> Manifest:
    """Read what an archive or a rolling copy says of itself; raise Misconfigured when it is no backup or cannot be read."""
    if file.is_dir():
        with _readable(file):
            return _parsed(file, (file / MANIFEST).read_bytes())
    with _opened(file) as archive:
        first = archive.next()
        taken = archive.extractfile(first) if first is not None and first.name == MANIFEST and first.isfile() else None
        if taken is None or first is None or first.size > LARGEST_MANIFEST:
            raise _no_backup(file, "it does not begin with a manifest")
        return _parsed(file, taken.read())


def extract(file: Path, manifest: Manifest, folder: Path) -> None:
    """Write a backup's files into a folder; raise Misconfigured when one is missing, cut short or changed."""
    wanted = {member.name: member for member in manifest.members}
    found = set()
    with _readable(file):
        for name, source in _contents(file, wanted):
            with _private(folder / name) as copy:
                while chunk := source.read(CHUNK):
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            if describe(name, folder / name) != wanted[name]:
                raise _no_backup(file, f"{name} in it is not what the manifest says")
            found.add(name)
    missing = sorted(wanted.keys() - found)
    if missing:
        raise _no_backup(file, f"it ends before {missing[0]}")


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on disk, where the system can."""
    if os.name == "nt":  # pragma: no cover - a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(file: Path) -> IO[bytes]:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _manifest_text(manifest: Manifest) -> bytes:
    return json.dumps({"format": FORMAT, **asdict(manifest), "at": manifest.at.isoformat()}, indent=1).encode()


def _add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    text = _manifest_text(manifest)
    entry = tarfile.TarInfo(MANIFEST)
    entry.size, entry.mode = len(text), 0o600
    archive.addfile(entry, io.BytesIO(text))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _contents(file: Path, wanted: Container[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if file.is_dir():
        for each in sorted(file.iterdir()):
            if each.name in wanted:
                with each.open("rb") as source:
                    yield each.name, source
        return
    with tarfile.open(file, mode="r:gz") as archive:
        for entry in archive:
            taken = archive.extractfile(entry) if entry.name in wanted and entry.isfile() else None
            if taken is not None:
                yield entry.name, taken


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    with _readable(file), tarfile.open(file, mode="r:gz") as archive:
        yield archive


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Misconfigured("NO_FILE", file=file, fix="name one of `sortie backup --list`") from error
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise Misconfigured("NOT_READ", file=file, cause=error.strerror, fix="look at the file's owner and mode") from error
        raise _no_backup(file, f"it cannot be unpacked: {error or type(error).__name__}") from error


def _parsed(file: Path, text: bytes) -> Manifest:
    try:
        tree = json.loads(text)
        if tree["format"] != FORMAT:
            raise _no_backup(file, f"its format is {tree['format']}, this build knows {FORMAT}")
        return Manifest(
            at=datetime.fromisoformat(tree["at"]),
            version=str(tree["version"]),
            database=str(tree["database"]),
            revision=str(tree["revision"]),
            members=tuple(
                Member(name=Path(each["name"]).name, size=int(each["size"]), sha256=str(each["sha256"]))
                for each in tree["members"]
            ),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _no_backup(file, "its manifest cannot be read") from error


def _no_backup(file: Path, cause: str) -> Misconfigured:
    return Misconfigured("NO_BACKUP", file=file, cause=cause, fix="use another backup; a whole one is made by `sortie backup`")
