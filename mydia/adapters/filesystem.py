"""File operations: walk folders, confine paths, and place files without ever leaving one incomplete or overwriting one.

Paths inside a root are text with `/` between parts. Names that are not UTF-8 are text too: each byte that cannot be decoded
becomes one character of U+EF80…U+EFFF, which databases, JSON and pages can store and `to_os` turns back into the same
byte.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from mydia import clock, writing
from mydia.adapters.errors import AdapterError, Refused, Unreachable
from mydia.errors import Conflict, Invalid

PART_PREFIX = ".mydia-"
PART_SUFFIX = ".part"
"""An unfinished copy is named `.mydia-<id>.part`, next to its target; leftovers can be deleted."""
_COPY_BYTES = 8 * 1024**2
_FICLONE = 0x40049409  # ioctl that shares the blocks of two files; Source: linux/fs.h
_RENAME_NOREPLACE = 1  # flag of renameat2(2)
_AT_FDCWD = -100
_OSHASH_BYTES = 64 * 1024
_OCTETS = range(0xEF80, 0xF000)
_ODD = re.compile("[\udc80-\udcff\uef80-\uefff]")
_SERVICE = "Disk"


class CrossDevice(Refused):
    """The two paths are on different file systems, so linking and renaming fail; copying works."""

    code = "cross_device"


class NoSpace(Refused):
    """The disk or the quota is full."""

    code = "no_space"


class ReadOnly(Refused):
    """The file system is mounted read-only."""

    code = "read_only"


class NoAccess(Refused):
    """Mydia's user does not have the required permission."""

    code = "no_access"


class NotThere(Unreachable):
    """The path does not exist."""

    code = "not_there"


class DiskFails(Unreachable):
    """The disk or its connection failed."""

    code = "disk_fails"


LOCAL_TROUBLE = (NoSpace, ReadOnly, NoAccess, DiskFails)
"""Errors caused by this machine, not by a release or download."""


class FoundFile(NamedTuple):
    """A file found by a walk. A tuple, because a scan creates hundreds of thousands."""

    path: str
    """Path relative to the root, as text (see the module docstring)."""
    size_bytes: int
    mtime_ns: int
    device: int
    inode: int
    links: int


class WalkProblem(msgspec.Struct, frozen=True):
    """A file or folder that a walk could not read; the walk continued."""

    path: str
    """Path relative to the root; empty for the root itself."""
    sentence: str


class MountState(msgspec.Struct, frozen=True, kw_only=True):
    """State of a folder that should exist."""

    exists: bool
    is_folder: bool
    is_mount: bool
    empty: bool | None
    """None if it could not be listed."""
    device: int | None


class Access(msgspec.Struct, frozen=True):
    """Mydia's permissions in a folder."""

    readable: bool
    writable: bool
    sentence: str
    """The problem and what to do; empty if there is none."""


class Space(msgspec.Struct, frozen=True):
    """Space on the file system of a path."""

    total_bytes: int
    free_bytes: int
    """Free space for Mydia's user, without the space reserved for root."""


class FileFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata of a path; symbolic links are followed."""

    size_bytes: int
    mtime_ns: int
    device: int
    inode: int
    links: int
    is_folder: bool


def to_text(name: str) -> str:
    r"""Convert a name from the operating system to text that can be stored anywhere.

    >>> to_text("caf\udce9.mkv")
    'caf\uefe9.mkv'
    """
    return _ODD.sub(_escaped, name) if _ODD.search(name) else name


def to_os(text: str) -> str:
    r"""Convert stored text back to the operating system's name.

    >>> to_os("caf\uefe9.mkv")
    'caf\udce9.mkv'
    """
    if not any("\uef80" <= c <= "\uefff" for c in text):
        return text
    raw = b"".join(bytes([ord(c) - 0xEF00]) if ord(c) in _OCTETS else c.encode("utf-8", "surrogatepass") for c in text)
    return os.fsdecode(raw)


def shown(text: str) -> str:
    """Return a name for display: undecodable bytes become replacement characters."""
    return _ODD.sub("\ufffd", text)


def confine(root: Path, relative: str) -> Path:
    """Return the real path of `relative` under `root`, refusing paths that leave the root.

    The path need not exist. Symbolic links are followed and must stay inside.

    Raises:
        Invalid: Absolute, empty, with `..` or NUL, or a link leads out of the root.
    """
    if "\0" in relative:
        raise Invalid("The path contains an invalid character.")
    parts = PurePosixPath(to_os(relative)).parts
    if not parts or relative.startswith("/") or ".." in parts:
        raise Invalid(f"The path {shown(relative)!r} leaves its folder.")
    real_root = Path(os.path.realpath(root))
    path = real_root.joinpath(*parts)
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(real_root):
        raise Invalid(f"The path {shown(relative)!r} leaves its folder through a link.")
    return path


def relative_text(root: Path, path: Path) -> str:
    """Return the stored form of a path under a root. Raises: Invalid if it is not under it."""
    for base in (root, Path(os.path.realpath(root))):
        if path.is_relative_to(base):
            return to_text(path.relative_to(base).as_posix())
    raise Invalid(f"{shown(str(path))!r} is not inside {str(root)!r}.")


class Files:
    """All file operations of Mydia. They never overwrite files, and raise only Mydia's errors.

    `Conflict`: the target exists. `Refused`: permissions or the file system do not allow it, with `NoSpace`, `ReadOnly`,
    `NoAccess` and `CrossDevice` as special cases. `Unreachable`: the path does not exist or the disk fails.
    """

    def walk(
        self,
        root: Path,
        *,
        on_problem: Callable[[WalkProblem], None] | None = None,
        enter: Callable[[str], bool] | None = None,
    ) -> Iterator[FoundFile]:
        """Yield every regular file under a root: parents before children, sorted by name within a folder.

        Folders are entered once, however many links lead to them. Links that leave the root are reported and skipped.

        Args:
            on_problem: Called for every folder or file that could not be read.
            enter: Called with each folder's relative path; False skips the folder.

        Raises:
            Unreachable: The root cannot be listed, so that a failing disk does not look like an empty library.
        """
        writing.assert_outside_allowed()
        real_root = os.path.realpath(root)
        try:
            seen = {_identity(Path(real_root).stat())}
            with os.scandir(real_root):
                pass
        except OSError as error:
            raise _translated(error, Path(real_root)) from error
        report = on_problem or (lambda _problem: None)
        # Folders still to be read, the next one last: (real path, relative text with a trailing slash).
        waiting: list[tuple[str, str]] = [(real_root, "")]
        while waiting:
            folder, prefix = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                report(WalkProblem(prefix.rstrip("/"), _cause(error, Path(folder))))
                continue
            inner: list[tuple[str, str]] = []
            for entry in entries:
                relative = prefix + to_text(entry.name)
                try:
                    if entry.is_symlink() and not _stays_inside(entry.path, real_root):
                        report(WalkProblem(relative, "the link leaves the library folder and is not followed"))
                        continue
                    if entry.is_dir():
                        if enter is None or enter(relative):
                            identity = _identity(entry.stat())
                            if identity not in seen:
                                seen.add(identity)
                                inner.append((entry.path, relative + "/"))
                        continue
                    facts = entry.stat()
                except OSError as error:
                    report(WalkProblem(relative, _cause(error, Path(entry.path))))
                    continue
                if stat.S_ISREG(facts.st_mode):
                    yield FoundFile(
                        relative, facts.st_size, facts.st_mtime_ns, facts.st_dev, facts.st_ino, facts.st_nlink
                    )
            waiting.extend(reversed(inner))

    def facts(self, path: Path) -> FileFacts | None:
        """Return the metadata of a path; None if it does not exist. Raises: Unreachable, Refused."""
        writing.assert_outside_allowed()
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _translated(error, path) from error
        return FileFacts(
            size_bytes=found.st_size,
            mtime_ns=found.st_mtime_ns,
            device=found.st_dev,
            inode=found.st_ino,
            links=found.st_nlink,
            is_folder=stat.S_ISDIR(found.st_mode),
        )

    def exists(self, path: Path) -> bool:
        """Return whether a path exists; True for a dangling link."""
        writing.assert_outside_allowed()
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _translated(error, path) from error
        return True

    def same_file(self, one: Path, other: Path) -> bool:
        """Return whether two paths are the same file on disk, as after a hard link."""
        first, second = self.facts(one), self.facts(other)
        return bool(first and second and (first.device, first.inode) == (second.device, second.inode))

    def list_folder(self, path: Path) -> list[str]:
        """Return the names in a folder as text, in order."""
        writing.assert_outside_allowed()
        try:
            return sorted(to_text(child.name) for child in path.iterdir())
        except OSError as error:
            raise _translated(error, path) from error

    def list_folders(self, path: Path) -> list[str]:
        """Return the names of the folders in a folder, in order, without hidden ones."""
        writing.assert_outside_allowed()
        try:
            with os.scandir(path) as listing:
                names = [to_text(entry.name) for entry in listing if not entry.name.startswith(".") and _is_dir(entry)]
        except OSError as error:
            raise _translated(error, path) from error
        return sorted(names, key=str.casefold)

    def read_bytes(self, path: Path, *, limit: int) -> bytes:
        """Return the content of a small file such as an NFO file. Raises Refused if it is larger than `limit` bytes."""
        writing.assert_outside_allowed()
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except OSError as error:
            raise _translated(error, path) from error
        if len(content) > limit:
            raise Refused(_SERVICE, f"{shown(path.name)} is too large")
        return content

    def make_folder(self, path: Path) -> None:
        """Create a folder with its parents, if it does not exist."""
        writing.assert_outside_allowed()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _translated(error, path) from error

    def hardlink(self, source: Path, target: Path) -> None:
        """Create a hard link. Parents of the target are created.

        Raises:
            CrossDevice: Another file system, one without hard links, or too many links; copy instead.
            Conflict: The target exists.
        """
        self.make_folder(target.parent)
        try:
            # A hard link to a symbolic link would still depend on the download folder.
            os.link(os.path.realpath(source), target)
        except OSError as error:
            if error.errno in {errno.EXDEV, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}:
                raise CrossDevice(_SERVICE, f"hard links to {shown(str(target.parent))} are not possible") from error
            if error.errno == errno.EPERM and not self.same_filesystem(source, target.parent):
                raise CrossDevice(_SERVICE, f"hard links to {shown(str(target.parent))} are not possible") from error
            if error.errno == errno.EPERM:
                # FAT, exFAT and some network shares return EPERM if they do not support hard links (link(2)).
                raise CrossDevice(_SERVICE, "the file system does not allow hard links") from error
            raise _translated(error, source if error.errno == errno.ENOENT else target) from error
        self.fsync_dir(target.parent)

    def copy(
        self,
        source: Path,
        target: Path,
        *,
        verify: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Copy a file with its times. The target is either complete or does not exist.

        Blocks are shared if the file system supports it (btrfs, XFS, ZFS), which takes no space and no time.

        Args:
            verify: Read the copy back and compare its SHA-256. The size is always compared.
            on_progress: Called with the bytes copied so far. Raising an exception cancels the copy and leaves nothing behind.

        Raises:
            Conflict: The target exists.
            NoSpace: There is not enough space; nothing is left behind.
        """
        self.make_folder(target.parent)
        if self.exists(target):
            raise Conflict(f"{shown(str(target))} already exists.")
        part = target.parent / f"{PART_PREFIX}{clock.new_id()}{PART_SUFFIX}"
        try:
            try:
                _copy_content(source, part, verify=verify, on_progress=on_progress)
            except OSError as error:
                raise _translated(error, target if error.errno in _TARGET_TROUBLE else source) from error
            self.rename(part, target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise

    def move(self, source: Path, target: Path, *, on_progress: Callable[[int], None] | None = None) -> None:
        """Move a file: rename it within a file system, otherwise copy it, verify the hash and then remove the source."""
        self.make_folder(target.parent)
        try:
            self.rename(source, target)
        except CrossDevice:
            self.copy(source, target, verify=True, on_progress=on_progress)
            self.delete(source)

    def rename(self, source: Path, target: Path, *, replace: bool = False) -> None:
        """Rename a file or folder within a file system; `replace` atomically replaces a file at the target.

        A change of letter case also works on file systems that ignore case.

        Raises:
            Conflict: The target exists and is another file.
            CrossDevice: Another file system.
        """
        writing.assert_outside_allowed()
        try:
            if replace:
                source.rename(target)
            elif not _rename_without_replacing(source, target):
                raise Conflict(f"{shown(str(target))} already exists.")
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise CrossDevice(_SERVICE, "the two folders are on different file systems") from error
            raise _translated(error, source if error.errno == errno.ENOENT else target) from error
        self.fsync_dir(target.parent)
        if source.parent != target.parent:
            self.fsync_dir(source.parent)

    def recycle(self, path: Path, wanted: Path) -> Path:
        """Move a file into the recycle bin and return its path, with `_2`, `_3` … appended if the name is taken.

        Its times are kept, because the same file may still be seeding under another name.
        """
        for number in range(1, 10_000):
            target = wanted if number == 1 else wanted.with_name(f"{wanted.stem}_{number}{wanted.suffix}")
            with suppress(Conflict):
                self.move(path, target)
                return target
        raise Conflict(f"The recycle bin contains too many files named {shown(wanted.name)}.")

    def write_text(self, target: Path, text: str) -> None:
        """Write a small text file atomically: after a crash it is either complete or does not exist.

        Raises:
            Conflict: The target exists.
        """
        writing.assert_outside_allowed()
        part = target.with_name(f"{PART_PREFIX}{target.name}{PART_SUFFIX}")
        try:
            with part.open("wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise _translated(error, target) from error
        try:
            self.rename(part, target)
        except (AdapterError, Conflict):
            self.delete(part)
            raise

    def delete(self, path: Path) -> None:
        """Delete a file; a missing one is not an error."""
        writing.assert_outside_allowed()
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _translated(error, path) from error

    def remove_empty_parents(self, path: Path, root: Path) -> list[Path]:
        """Remove the empty parent folders of `path` below `root` and return them."""
        writing.assert_outside_allowed()
        removed: list[Path] = []
        folder = path.parent
        while folder != root and folder.is_relative_to(root):
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                break
            else:
                removed.append(folder)
            folder = folder.parent
        return removed

    def space(self, path: Path) -> Space:
        """Return the space on the file system of a path that may not exist yet."""
        writing.assert_outside_allowed()
        try:
            found = os.statvfs(_nearest(path))
        except OSError as error:
            raise _translated(error, path) from error
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)

    def same_filesystem(self, one: Path, other: Path) -> bool:
        """Return whether two paths are on the same device. They need not exist.

        A hard link can still fail, for example between two bind mounts of one device.
        """
        writing.assert_outside_allowed()
        try:
            return _nearest(one).stat().st_dev == _nearest(other).stat().st_dev
        except OSError:
            return False

    def access(self, path: Path) -> Access:
        """Test Mydia's permissions in a folder by trying, because network shares answer `access(2)` wrongly."""
        writing.assert_outside_allowed()
        try:
            with os.scandir(path) as listing:
                next(listing, None)
        except OSError as error:
            return Access(readable=False, writable=False, sentence=_sentence_for(error, path))
        trial = path / f"{PART_PREFIX}{clock.new_id()}{PART_SUFFIX}"
        try:
            trial.touch(exist_ok=False)
            trial.unlink()
        except OSError as error:
            return Access(readable=True, writable=False, sentence=_sentence_for(error, path))
        return Access(readable=True, writable=True, sentence="")

    def mount_state(self, path: Path) -> MountState:
        """Return the state of a library folder, to decide whether a walk can be trusted."""
        writing.assert_outside_allowed()
        try:
            found = path.stat()
        except PermissionError:
            # A parent folder cannot be entered, so the folder itself may still exist.
            return MountState(exists=True, is_folder=True, is_mount=False, empty=None, device=None)
        except OSError:
            return MountState(exists=False, is_folder=False, is_mount=False, empty=None, device=None)
        if not stat.S_ISDIR(found.st_mode):
            return MountState(exists=True, is_folder=False, is_mount=False, empty=None, device=found.st_dev)
        try:
            with os.scandir(path) as listing:
                empty = next(listing, None) is None
        except OSError:
            empty = None
        return MountState(exists=True, is_folder=True, is_mount=os.path.ismount(path), empty=empty, device=found.st_dev)

    def fsync_dir(self, path: Path) -> None:
        """Sync a folder, so that its names survive a power failure, if the file system supports it."""
        writing.assert_outside_allowed()
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def oshash(self, path: Path) -> str | None:
        """Return OpenSubtitles' hash of a video: its size plus the sums of its first and last 64 KiB.

        None for files below 128 KiB, which have none. Source: the OpenSubtitles "moviehash" page.
        """
        writing.assert_outside_allowed()
        words = _OSHASH_BYTES // 8
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < 2 * _OSHASH_BYTES:
                    return None
                first = file.read(_OSHASH_BYTES)
                file.seek(-_OSHASH_BYTES, os.SEEK_END)
                last = file.read(_OSHASH_BYTES)
            total = size + sum(struct.unpack(f"<{words}Q", first)) + sum(struct.unpack(f"<{words}Q", last))
        except OSError as error:
            raise _translated(error, path) from error
        except struct.error as error:
            raise Unreachable(_SERVICE, f"{shown(path.name)} changed while it was read") from error
        return f"{total & 0xFFFF_FFFF_FFFF_FFFF:016x}"

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of a file in hex."""
        writing.assert_outside_allowed()
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _translated(error, path) from error


_TARGET_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


def _escaped(match: re.Match[str]) -> str:
    # A real character in the escape range is escaped byte by byte, so that decoding is unambiguous.
    raw = os.fsencode(match.group())
    return "".join(chr(0xEF00 + byte) for byte in raw)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _stays_inside(path: str, real_root: str) -> bool:
    real = os.path.realpath(path)
    return real == real_root or real.startswith(real_root.rstrip("/") + "/")


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _nearest(path: Path) -> Path:
    for candidate in (path, *path.parents):
        if candidate.exists():
            return candidate
    return Path("/")


def _copy_content(source: Path, part: Path, *, verify: bool, on_progress: Callable[[int], None] | None) -> None:
    with source.open("rb") as reading, part.open("xb") as written:
        before = os.fstat(reading.fileno())
        digest = None
        if not _share_blocks(written.fileno(), reading.fileno()):
            digest = hashlib.sha256() if verify else None
            done = 0
            while chunk := reading.read(_COPY_BYTES):
                written.write(chunk)
                if digest is not None:
                    digest.update(chunk)
                done += len(chunk)
                if on_progress is not None:
                    on_progress(done)
        written.flush()
        os.fsync(written.fileno())
        copied = os.fstat(written.fileno()).st_size
    shutil.copystat(source, part)
    after = source.stat()
    if copied != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreachable(_SERVICE, f"{shown(source.name)} changed while it was copied; try again")
    if digest is not None:
        with part.open("rb") as reading:
            if hashlib.file_digest(reading, "sha256").digest() != digest.digest():
                raise Unreachable(_SERVICE, f"the copy of {shown(source.name)} differs from it; check the disk")
    if on_progress is not None:
        on_progress(before.st_size)


def _share_blocks(target_fd: int, source_fd: int) -> bool:
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError:
        return False
    return True


def _rename_without_replacing(source: Path, target: Path) -> bool:
    """Rename; returns False if another file is at the target."""
    libc = ctypes.CDLL(None, use_errno=True)
    rename = getattr(libc, "renameat2", None)
    if rename is not None:
        if rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
            return True
        code = ctypes.get_errno()
        if code not in {errno.EEXIST, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
            raise OSError(code, os.strerror(code), str(target))
    # Older kernels and some file systems do not support the flag, and file systems that ignore case find the file itself.
    try:
        there = os.lstat(target)
    except FileNotFoundError:
        source.rename(target)
        return True
    here = os.lstat(source)
    if _identity(there) == _identity(here) and here.st_nlink == 1:
        source.rename(target)
        return True
    return False


def _sentence_for(error: OSError, path: Path) -> str:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{_who_and_whose(path)} Give that user access, or set PUID and PGID to the folder's owner."
    return f"{_cause(error, path)}."


def _who_and_whose(path: Path) -> str:
    name = shown(str(path))
    try:
        found = _nearest(path).stat()
        owner = f"belongs to {found.st_uid}:{found.st_gid} with mode {stat.S_IMODE(found.st_mode):o}"
    except OSError:
        owner = "cannot be accessed"
    return f"Mydia runs as user {os.geteuid()}, group {os.getegid()}, and {name} {owner}."


def _cause(error: OSError, path: Path) -> str:
    translated = _translated(error, path)
    return translated.cause if isinstance(translated, AdapterError) else translated.message.rstrip(".")


def _translated(error: OSError, path: Path) -> AdapterError | Conflict:
    name = shown(str(path))
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return NotThere(_SERVICE, f"{name} does not exist")
        case errno.EEXIST:
            return Conflict(f"{name} already exists.")
        case errno.ENOSPC | errno.EDQUOT:
            return NoSpace(_SERVICE, f"no space left for {name}")
        case errno.EFBIG:
            return Refused(_SERVICE, f"{name} is larger than its file system allows (below 4 GiB on FAT32)")
        case errno.EXDEV:
            return CrossDevice(_SERVICE, f"{name} is on another file system")
        case errno.EACCES | errno.EPERM:
            return NoAccess(_SERVICE, _who_and_whose(path).rstrip("."))
        case errno.EROFS:
            return ReadOnly(_SERVICE, f"{name} is on a read-only file system")
        case errno.ENAMETOOLONG:
            return Refused(_SERVICE, f"the name {shown(path.name)[:40]}… is too long for the file system")
        case errno.ELOOP:
            return Refused(_SERVICE, f"the links at {name} form a loop")
        case errno.ESTALE | errno.EIO | errno.ENODEV | errno.ENOTCONN | errno.ETIMEDOUT | errno.EHOSTDOWN:
            return DiskFails(_SERVICE, f"the disk of {name} failed ({error.strerror}); check the mount")
        case _:
            return Unreachable(_SERVICE, f"{name}: {error.strerror or error}")
