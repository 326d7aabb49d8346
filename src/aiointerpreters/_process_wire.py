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
import sys
from _pickle import PickleBuffer, Pickler, PicklingError
from _pickle import dumps as _dumps
from _pickle import loads as _loads
from collections import ChainMap
from collections.abc import Buffer, Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from . import _core, _script
from ._core import SharedBuffer

type Parts = list[memoryview | Pickle]
"""The pickle, then the buffers outside of it. A Receiver returns only views."""

_HEADER = struct.Struct("<QIIQ")  # the call's number, number of parts, where they are, their size in bytes
_NUMBER = struct.Struct("<Q")  # its first field
_INLINE = 0x6F696160  # the parts follow
_ELSEWHERE = _INLINE + 1  # the parts are in mapped memory, whose descriptor comes with the header
_FIRST = 1 << 16  # bytes that are requested at first: whole small messages
_OUTSIDE = 1 << 14  # bytes of a buffer that is not copied into the pickle
_MAPPED = 1 << 17  # bytes of a message that goes through mapped memory
_ALIGNMENT = 64
_FRAME = 1 << 17  # bytes; in a longer piece of a pickle is one large bytes object or str
_MAIN = b"main__"  # part of the names of `__main__`
NEWS = (1 << 64) - 1  # instead of a call's number: what has changed at home (_process_words.Link.follow)
WORD = NEWS - 1  # likewise: what a function says (_process_words.Link.post)
_HAS_MAPPED = hasattr(os, "memfd_create") and hasattr(socket, "CMSG_LEN")
_ANCILLARY = socket.CMSG_LEN(array.array("i").itemsize) if _HAS_MAPPED else 0


def _view(memory: Buffer, form: str, shape: tuple[int, ...]) -> memoryview:
    view = memoryview(memory).cast("B")
    return view if form == "B" and len(shape) == 1 else view.cast(form, shape)  # type: ignore[call-overload]


def _read_only_view(memory: Buffer, form: str, shape: tuple[int, ...]) -> memoryview:
    return _view(memory, form, shape).toreadonly()


def _reduce_view(view: memoryview, make: Callable[..., memoryview] = _view) -> Any:
    if not view.c_contiguous:
        view = memoryview(view.tobytes()).cast("B").cast(view.format, view.shape)  # type: ignore[call-overload]
    return make, (PickleBuffer(view), view.format, view.shape)


def _shared(memory: Buffer) -> SharedBuffer:
    view = memoryview(memory)
    buffer = SharedBuffer(view.nbytes)
    memoryview(buffer)[:] = view
    return buffer


def _read_only_shared(memory: Buffer) -> SharedBuffer:
    return _core.read_only(_shared(memory))


def _reduce_shared(buffer: SharedBuffer, make: Callable[..., SharedBuffer] = _shared) -> Any:
    return make, (PickleBuffer(buffer),)


type Reductions = dict[type, Callable[[Any], Any]]

REDUCTIONS: Reductions = {memoryview: _reduce_view, SharedBuffer: _reduce_shared}
"""For results."""
OF_CALLS: Reductions = {
    memoryview: partial(_reduce_view, make=_read_only_view),
    SharedBuffer: partial(_reduce_shared, make=_read_only_shared),
}
"""For functions and arguments. What the function writes would not come back, so it may only read."""


class Pickle:
    """A pickle in pieces, as a pickler writes it. A large bytes object or str is a piece of its own, and is not copied."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.write = self.pieces.append

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


class _Pickler(Pickler):
    dispatch_table: ClassVar = ChainMap(REDUCTIONS, copyreg.dispatch_table)  # type: ignore[arg-type, misc]


class _PicklerOfCalls(Pickler):
    dispatch_table: ClassVar = ChainMap(OF_CALLS, copyreg.dispatch_table)  # type: ignore[arg-type, misc]


def dumps(value: object, *, of_call: bool = False) -> Parts:
    """Return the pickle of a value, and the large buffers of its arrays and views. By value what has no name elsewhere.

    of_call: whether it is a part of a call, and not of a result.

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
        (_PicklerOfCalls if of_call else _Pickler)(file, 5, buffer_callback=keep_inside).dump(value)
        if not _names_typed(file):
            return [file, *buffers]
    except (PicklingError, AttributeError, TypeError):
        pass
    from . import _by_value  # imported here, because it needs cloudpickle

    return [memoryview(_by_value.dumps(value, lambda _: None, OF_CALLS if of_call else REDUCTIONS)[0])]


def _names_typed(pickle: Pickle) -> bool:
    """Whether a pickle may name an object of a `__main__` that no process can run: of a prompt, a notebook, or -c."""
    for piece in pickle.pieces:
        if len(piece) < _FRAME and _MAIN in piece:
            return _script.describe(sys.modules.get("__main__")) is None
    return False


def loads(parts: Parts) -> Any:
    """Read the value of a message."""
    first = parts[0]
    return _loads(b"".join(first.pieces) if isinstance(first, Pickle) else first, buffers=parts[1:])


def plain(value: object) -> bytes:
    """Return the pickle of a value whose classes the other process can import. Raises whatever pickling raises."""
    return _dumps(value, 5)


class Message:
    """What one `send` sends. It is a copy: whatever the sender does with its objects from now on, the message stays."""

    def __init__(self, *pickles: Parts, may_be_mapped: bool = True) -> None:
        parts = [part for parts in pickles for part in parts]
        lengths = list(map(len, parts))
        sizes = struct.pack(f"<{len(parts)}Q", *lengths)
        total = sum(lengths)
        self._memory = _Memory(parts) if _HAS_MAPPED and may_be_mapped and total >= _MAPPED else None
        content = [sizes] if self._memory is not None else [sizes, *_pieces(parts)]
        size = len(sizes) + (0 if self._memory is not None else total)
        place = _INLINE if self._memory is None else _ELSEWHERE
        self._content = bytearray().join((_HEADER.pack(0, len(parts), place, size), *content))

    def send(self, connection: socket.socket, number: int) -> None:
        """Send it as the call, or the call's outcome, with this number, or as NEWS or WORD.

        Raises OSError if the other process is gone.
        """
        _NUMBER.pack_into(self._content, 0, number)
        if self._memory is None:
            connection.sendall(self._content)
            return
        rights = array.array("i", [self._memory.descriptor])
        sent = connection.sendmsg([self._content], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        connection.sendall(memoryview(self._content)[sent:])


def _pieces(parts: Parts) -> list[bytes | memoryview]:
    return [piece for part in parts for piece in (part.pieces if isinstance(part, Pickle) else (part,))]


class Receiver:
    """Receives messages. One thread at a time uses it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._begun = b""  # of the next message, or more of them
        self._descriptors = array.array("i")  # of mapped memory, in the order of their messages

    def receive(self, wait: Callable[[], None] | None = None) -> tuple[int, Parts]:
        """Wait for a message. Return the number of its call, or NEWS or WORD, and its parts.

        Raises EOFError, or OSError, if the other process is gone.

        wait: waits until the connection has something, or raises EOFError. If None, the connection itself waits.
        """
        begun = self._begun
        while len(begun) < _HEADER.size:
            begun += self._receive_some(wait)
        number, count, place, size = _HEADER.unpack_from(begun)
        if place not in (_INLINE, _ELSEWHERE):
            raise EOFError  # a function has written to descriptors that are not its own
        end = _HEADER.size + size
        self._begun = begun[end:]
        content: Any = memoryview(begun)[_HEADER.size : end]
        if len(content) < size:
            content = self._receive_rest(content, size, wait)
        sizes = struct.unpack_from(f"<{count}Q", content)
        if place == _ELSEWHERE:
            return number, _map(self._descriptors.pop(0), sizes)
        parts = []
        begin = count * 8
        for one in sizes:
            parts.append(content[begin : begin + one])
            begin += one
        return number, parts

    def _receive_some(self, wait: Callable[[], None] | None) -> bytes:
        if wait is not None:
            wait()
        if _HAS_MAPPED:  # the system returns the descriptor of at most one message, which is the last one then
            received, ancillary, _, _ = self._connection.recvmsg(_FIRST, _ANCILLARY)
            for _, _, rights in ancillary:
                self._descriptors.frombytes(rights)
        else:
            received = self._connection.recv(_FIRST)
        if not received:
            raise EOFError
        return received

    def _receive_rest(self, begun: memoryview, size: int, wait: Callable[[], None] | None) -> memoryview:
        content = memoryview(bytearray(size))
        content[: len(begun)] = begun
        filled = len(begun)
        while filled < size:
            if wait is not None:
                wait()
            received = self._connection.recv_into(content[filled:])
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
