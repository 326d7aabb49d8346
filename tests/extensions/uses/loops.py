"""Event loops and packages that run in them. They are kept apart, because asyncio takes more memory than most packages."""

import asyncio
from importlib import import_module as load

from extensions.packages import package


@package("uvloop==0.23.0", rounds=100)
def uvloop() -> object:
    """A loop with a server and its client, timers, threads."""

    async def use() -> object:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readline()).upper())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        line = await reader.readline()
        writer.close()
        server.close()
        slept = await asyncio.gather(*(asyncio.sleep(0.001, n) for n in range(5)))
        return line, slept, await asyncio.to_thread(lambda: 7)

    with asyncio.Runner(loop_factory=load("uvloop").new_event_loop) as runner:
        return runner.run(use())


@package("aiohttp==3.14.5", rounds=100)
def aiohttp() -> object:
    """A server and a client, with the C parsers; JSON sent and received."""
    module, web = load("aiohttp"), load("aiohttp.web")
    load("aiohttp._http_parser")

    async def answer(request: object) -> object:
        return web.json_response({"got": (await request.json())["a"]})  # type: ignore[attr-defined]

    async def use() -> object:
        app = web.Application()
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with module.ClientSession() as session, session.post(f"http://127.0.0.1:{port}/", json={"a": 3}) as response:
            got = await response.json()
        await runner.cleanup()
        return got

    return asyncio.run(use())


@package("websockets==17.4")
def websockets() -> object:
    """Masking with the C code, a server and its client."""
    masked = load("websockets.speedups").apply_mask(b"text" * 10, b"abcd")

    async def use() -> object:
        async def echo(connection: object) -> None:
            async for message in connection:  # type: ignore[attr-defined]
                await connection.send(message)  # type: ignore[attr-defined]

        async with load("websockets.asyncio.server").serve(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with load("websockets.asyncio.client").connect(f"ws://127.0.0.1:{port}") as client:
                await client.send("hello")
                return await client.recv()

    return masked[:4], asyncio.run(use())


@package("tornado==6.6.1")
def tornado() -> object:
    """Masking with the C code, a server and its client."""
    masked = load("tornado.speedups").websocket_mask(b"abcd", b"text")
    web, httpserver, testing = load("tornado.web"), load("tornado.httpserver"), load("tornado.testing")

    class Answer(web.RequestHandler):  # type: ignore[misc, name-defined]
        def get(self) -> None:
            self.write("hello")

    async def use() -> object:
        sock, port = testing.bind_unused_port()
        server = httpserver.HTTPServer(web.Application([("/", Answer)]))
        server.add_sockets([sock])
        response = await load("tornado.httpclient").AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")
        server.stop()
        return response.body

    return masked, asyncio.run(use())


@package("asyncpg==0.32.0")
def asyncpg() -> object:
    """A refused connection, the protocol in C."""
    module = load("asyncpg")
    load("asyncpg.protocol.protocol")
    try:
        asyncio.run(module.connect("postgresql:///x", host="/nonexistent", timeout=5))
    except OSError as error:
        return type(error).__name__
    return ""


@package("aiosqlite==0.22.1", needs=("SQLAlchemy==2.1.9", "greenlet==3.5.6"))
def aiosqlite() -> object:
    """SQLAlchemy's asyncio sessions over greenlet: concurrent sessions, streamed rows, an error, the connection's thread."""
    module, orm, ext = load("sqlalchemy"), load("sqlalchemy.orm"), load("sqlalchemy.ext.asyncio")
    base = orm.declarative_base()
    item = type(
        "Item",
        (base,),
        {"__tablename__": "t", "id": module.Column(module.Integer, primary_key=True), "name": module.Column(module.String)},
    )

    number = item.__table__.c.id  # type: ignore[attr-defined]

    async def use() -> object:
        engine = ext.create_async_engine("sqlite+aiosqlite://", poolclass=module.StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(base.metadata.create_all)
        sessions = ext.async_sessionmaker(engine, expire_on_commit=False)
        async with sessions() as session:
            session.add_all([item(id=i, name=f"n{i}") for i in range(1, 51)])
            await session.commit()

        async def named(key: int) -> str:
            async with sessions() as session:
                return str((await session.get_one(item, key)).name)

        names = await asyncio.gather(*(named(key) for key in range(3, 9)))
        async with engine.connect() as connection:
            rows = [row.id async for row in await connection.stream(module.select(item).where(number > 46))]
            try:
                await connection.execute(module.text("nonsense"))
            except module.exc.OperationalError as error:
                failed = type(error.orig).__name__
            else:
                failed = ""
        await engine.dispose()
        return names, rows, failed

    return asyncio.run(use())
