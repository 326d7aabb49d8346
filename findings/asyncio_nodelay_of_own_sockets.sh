#!/bin/sh
# CPython 3.13.0, 3.14.10 and 3.15.2: asyncio does not set TCP_NODELAY on connections of a listener from `socket.create_server()`.
#
# asyncio sets the option only if the socket's `proto` is IPPROTO_TCP. Sockets from `socket.create_server()`, and from `socket.socket()` without a
# protocol, have `proto` 0, and so do the connections that they accept. So `start_server(handler, sock=...)` keeps Nagle's algorithm on, while
# `start_server(handler, host, port)` turns it off. `create_connection(sock=...)` has the same difference.
. "$(dirname "$0")/environment"

expect "start_server(host, port): proto 6, TCP_NODELAY True
start_server(sock=create_server()): proto 0, TCP_NODELAY False
start_server(sock=socket(..., IPPROTO_TCP)): proto 6, TCP_NODELAY True
open_connection(host, port): proto 6, TCP_NODELAY True
open_connection(sock=socket()): proto 0, TCP_NODELAY False" <<'PYTHON'
import asyncio, socket

LOCAL = ("127.0.0.1", 0)

def describe(name, writer):
    sock = writer.get_extra_info("socket")
    print(f"{name}: proto {sock.proto}, TCP_NODELAY {sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0}")

async def accept(name, connect=None, **how):
    handled = asyncio.Event()

    async def handler(reader, writer):
        if name:
            describe(name, writer)
        writer.close()
        handled.set()

    server = await asyncio.start_server(handler, **how)
    address = server.sockets[0].getsockname()
    if connect:
        writer = await connect(address)
    else:
        _, writer = await asyncio.open_connection(*address)
    await handled.wait()
    writer.close()
    server.close()

async def by_address(address):
    _, writer = await asyncio.open_connection(*address)
    describe("open_connection(host, port)", writer)
    return writer

async def by_socket(address):
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, address)
    _, writer = await asyncio.open_connection(sock=sock)
    describe("open_connection(sock=socket())", writer)
    return writer

async def main():
    await accept("start_server(host, port)", host="127.0.0.1", port=0)
    await accept("start_server(sock=create_server())", sock=socket.create_server(LOCAL))
    named = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    named.bind(LOCAL)
    await accept("start_server(sock=socket(..., IPPROTO_TCP))", sock=named)
    await accept("", connect=by_address, host="127.0.0.1", port=0)
    await accept("", connect=by_socket, host="127.0.0.1", port=0)

asyncio.run(main())
PYTHON
