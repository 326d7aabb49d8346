"""Messages between the main process and the processes of an executor: a pickle, and the memory of large buffers.

A message goes through a Unix socket. On Linux, large ones are in memory that both processes map (memfd_create), so only its
descriptor goes through the socket.
"""

import array
import copyreg
import mmap
import os
import socket
import struct
from _pickle import PickleBuffer, Pickler, PicklingError
from _pickle import loads as _loads
from collections import ChainMap
from collections.abc import Buffer, Callable, Sequence
from typing import Any, ClassVar

from ._core import SharedBuffer

type Parts = list[memoryview | Pickle]
"""The pickle, then the buffers outside of it. `receive` returns only views."""

_HEADER = struct.Struct("<IIQ")  # number of parts, whether they are in mapped memory, their size in bytes
_FIRST = 1 << 16  # bytes that are requested at first: whole small messages
_OUTSIDE = 1 << 14  # bytes of a buffer that is not copied into the pickle
_MAPPED = 1 << 17  # bytes of a message that goes through mapped memory
_ALIGNMENT = 64
_HAS_MAPPED = hasattr(os, "memfd_create") and hasattr(socket, "CMSG_LEN")
_ANCILLARY = socket.CMSG_LEN(array.array("i").itemsize) if _HAS_MAPPED else 0


def _view(memory: Buffer, form: str, shape: tuple[int, ...]) -> memoryview:
    view = memoryview(memory).cast("B")
    return view if form == "B" and len(shape) == 1 else view.cast(form, shape)  # type: ignore[call-overload]


def _reduce_view(view: memoryview) -> Any:
    if not view.c_contiguous:
        view = memoryview(view.tobytes()).cast("B").cast(view.format, view.shape)  # type: ignore[call-overload]
    return _view, (PickleBuffer(view), view.format, view.shape)


def _shared(memory: Buffer) -> SharedBuffer:
    view = memoryview(memory)
    buffer = SharedBuffer(view.nbytes)
    memoryview(buffer)[:] = view
    return buffer


def _reduce_shared(buffer: SharedBuffer) -> Any:
    return _shared, (PickleBuffer(buffer),)


REDUCTIONS: dict[type, Callable[[Any], Any]] = {memoryview: _reduce_view, SharedBuffer: _reduce_shared}


class Pickle:
    """A pickle in pieces, as a pickler writes it. A large bytes object or str is a piece of its own, and is not copied."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.write = self.pieces.append

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


class _Pickler(Pickler):
    dispatch_table: ClassVar = ChainMap(REDUCTIONS, copyreg.dispatch_table)  # type: ignore[arg-type, misc]


def dumps(value: object) -> Parts:
    """Return the pickle of a value, and the large buffers of its arrays and views. By value what has no name elsewhere.

    Raises whatever pickling raises.
    """
    file = Pickle()
    buffers: Parts = []

    def keep_inside(buffer: PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes >= _OUTSIDE:
            buffers.append(raw)
        return raw.nbytes < _OUTSIDE

    try:
        _Pickler(file, 5, buffer_callback=keep_inside).dump(value)
    except (PicklingError, AttributeError, TypeError):
        from . import _by_value  # imported here, because it needs cloudpickle

        return [memoryview(_by_value.dumps(value, lambda _: None, REDUCTIONS)[0])]
    return [file, *buffers]


def loads(parts: Parts) -> Any:
    """Read the value of a message."""
    first = parts[0]
    return _loads(b"".join(first.pieces) if isinstance(first, Pickle) else first, buffers=parts[1:])


class Message:
    """What one `send` sends. It is a copy: whatever the sender does with its objects from now on, the message stays."""

    def __init__(self, *pickles: Parts, may_be_mapped: bool = True) -> None:
        parts = [part for parts in pickles for part in parts]
        lengths = list(map(len, parts))
        sizes = struct.pack(f"<{len(parts)}Q", *lengths)
        total = sum(lengths)
        self._memory = _Memory(parts) if _HAS_MAPPED and may_be_mapped and total >= _MAPPED else None
        if self._memory is not None:
            self._content = _HEADER.pack(len(parts), 1, len(sizes)) + sizes
        else:
            self._content = b"".join((_HEADER.pack(len(parts), 0, len(sizes) + total), sizes, *_pieces(parts)))

    def send(self, connection: socket.socket) -> None:
        """Send it. Raises OSError if the other process is gone."""
        if self._memory is None:
            connection.sendall(self._content)
            return
        rights = array.array("i", [self._memory.descriptor])
        sent = connection.sendmsg([self._content], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        connection.sendall(self._content[sent:])


def _pieces(parts: Parts) -> list[bytes | memoryview]:
    return [piece for part in parts for piece in (part.pieces if isinstance(part, Pickle) else (part,))]


def _send_all(connection: socket.socket, parts: list[Any], ancillary: list[Any]) -> None:
    if not hasattr(connection, "sendmsg"):
        connection.sendall(b"".join(parts))
        return
    sent = connection.sendmsg(parts, ancillary)
    for part in parts:
        size = len(part)
        if sent < size:
            connection.sendall(memoryview(part)[sent:])
        sent = max(sent - size, 0)


def receive(connection: socket.socket) -> Parts:
    """Wait for a message. Raises EOFError, or OSError, if the other process is gone."""
    ancillary: list[Any] = []
    if _HAS_MAPPED:
        first, ancillary, _, _ = connection.recvmsg(_FIRST, _ANCILLARY)
    else:
        first = connection.recv(_FIRST)
    if not first:
        raise EOFError
    if len(first) < _HEADER.size:
        first = bytes(_receive_rest(connection, memoryview(first), _HEADER.size))
    count, is_mapped, size = _HEADER.unpack_from(first)
    content: Any = memoryview(first)[_HEADER.size :]
    if len(content) < size:
        content = _receive_rest(connection, content, size)
    begin = count * 8
    sizes = struct.unpack_from(f"<{count}Q", content)
    if is_mapped:
        return _map(array.array("i", ancillary[0][2])[0], sizes)
    parts = []
    for one in sizes:
        parts.append(content[begin : begin + one])
        begin += one
    return parts


def _receive_rest(connection: socket.socket, begun: memoryview, size: int) -> memoryview:
    content = memoryview(bytearray(size))
    content[: len(begun)] = begun
    filled = len(begun)
    while filled < size:
        received = connection.recv_into(content[filled:])
        if received == 0:
            raise EOFError
        filled += received
    return content


class _Memory:
    """A file without a name that has the parts of a message. Its pages are freed with the last mapping."""

    def __init__(self, parts: Parts) -> None:
        self.descriptor = os.memfd_create("aiointerpreters-message", os.MFD_CLOEXEC)
        for part, begin in zip(parts, _places([len(part) for part in parts]), strict=False):
            place = begin
            for content in _pieces([part]):
                piece = memoryview(content)
                written = 0
                while written < len(piece):
                    written += os.pwrite(self.descriptor, piece[written:], place + written)
                place += written

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


def _places(sizes: Sequence[int]) -> list[int]:
    """Return where each part begins, and the size of all."""
    places = [0]
    for size in sizes:
        places.append(-(-(places[-1] + size) // _ALIGNMENT) * _ALIGNMENT)
    return places


def _map(descriptor: int, sizes: Sequence[int]) -> Parts:
    try:
        places = _places(sizes)
        end = places[-2] + sizes[-1]
        os.ftruncate(descriptor, end)
        memory = memoryview(mmap.mmap(descriptor, end))
    finally:
        os.close(descriptor)
    return [memory[begin : begin + size] for begin, size in zip(places, sizes, strict=False)]
