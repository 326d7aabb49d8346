"""Packages that have threads of their own which nothing ends. The end of an interpreter must stop them."""

import gzip
import io
import json
import threading
import types
from importlib import import_module as load

from extensions.packages import package


@package("tqdm==4.70.1")
def tqdm() -> object:
    """Bars in loops and on threads, text of a bar, the monitor thread that refreshes a bar."""
    module = load("tqdm")
    module.tqdm.monitor_interval = 0.02
    refreshed = threading.Event()

    class Output(io.StringIO):
        def write(self, text: str) -> int:
            if threading.current_thread().name == "tqdm_monitor":
                refreshed.set()
            return super().write(text)

    with module.tqdm(total=2000, miniters=1000, maxinterval=0.01, file=Output()) as bar:
        bar.update(1)
        was_refreshed = refreshed.wait(60)
        miniters = bar.miniters
        bar.update(1999)
    looped = [sum(module.trange(50, file=io.StringIO())) for _ in range(3)]
    mapped = load("tqdm.contrib.concurrent").thread_map(str, range(20), max_workers=3, file=io.StringIO())
    text = module.tqdm.format_meter(7, 20, 2.0, ncols=60, ascii=True)
    return was_refreshed, miniters, bar.n, looped, mapped, text, module.tqdm.monitor.is_alive()


@package("sentry-sdk==2.75.0", group="sentry")
def sentry_sdk() -> object:
    """Messages, an exception, a log record and a transaction, sent by its worker thread to a test transport."""
    module = load("sentry_sdk")
    sent: list[tuple[str, str, str, str]] = []

    class Answer:
        status, headers = 200, types.SimpleNamespace(get=lambda _: None)
        close = staticmethod(lambda: None)

    class Kept(load("sentry_sdk.transport").HttpTransport):  # type: ignore[misc]
        def _request(self, method: str, endpoint_type: object, body: bytes, headers: object) -> Answer:
            for line in gzip.decompress(body).splitlines():
                event = json.loads(line)
                if "event_id" in event and ("level" in event or "spans" in event):
                    message = event.get("message") or event.get("logentry", {}).get("message", "")
                    errors = [each["type"] for each in event.get("exception", {}).get("values", [])]
                    what = message or ",".join(errors) or event["transaction"]
                    details = len(event.get("breadcrumbs", {}).get("values", [])), len(event.get("spans", []))
                    sent.append((what, str(event.get("tags")), str(details), threading.current_thread().name))
            return Answer()

    packed = {"transport_compression_algo": "gzip"}
    module.init("http://key@127.0.0.1/1", transport=Kept, traces_sample_rate=1.0, _experiments=packed)
    with module.new_scope() as scope:
        scope.set_tag("place", "here")
        module.add_breadcrumb(message="first")
        module.capture_message("hello")
        try:
            json.loads("nonsense")
        except ValueError as error:
            module.capture_exception(error)
        load("logging").getLogger("tried").error("logged")
        with module.start_transaction(name="all"), module.start_span(name="part"):
            pass
    module.flush(60)
    return sent


@package("fsspec==2026.9.0")
def fsspec() -> object:
    """An asynchronous file system, used through its loop's thread and inside a loop; archives; a block cache."""
    asyncio, module, asyn = load("asyncio"), load("fsspec"), load("fsspec.asyn")
    ran_in = set()

    class Squares(asyn.AsyncFileSystem):  # type: ignore[misc, name-defined]
        protocol = "squares"
        cachable = False

        async def _info(self, path: str, **_: object) -> dict[str, object]:
            return {"name": path, "type": "file", "size": len(await self._cat_file(path))}

        async def _ls(self, path: str, detail: bool = True, **_: object) -> list[object]:
            names = [str(n) for n in range(5)]
            return [await self._info(name) for name in names] if detail else list(names)

        async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
            ran_in.add(threading.current_thread().name)
            await asyncio.sleep(0)
            if not path.isdigit():
                raise FileNotFoundError(path)
            return (str(int(path) ** 2) * 1000).encode()[start:end]

    outside = Squares()
    read = {name: (len(data), data[:3]) for name, data in outside.cat([str(n) for n in range(9)]).items()}
    ranges = outside.cat_ranges(["7", "8"], [0, 2], [2, 4])
    errors = {name: type(found).__name__ for name, found in outside.cat(["3", "x"], on_error="return").items()}
    listed = [each["size"] for each in outside.ls("", detail=True)]
    threads = sorted(ran_in)

    async def inside() -> object:
        system = Squares(asynchronous=True)
        return [len(data) for data in await asyncio.gather(*(system._cat_file(str(n)) for n in (2, 30)))]

    wrapper = load("fsspec.implementations.asyn_wrapper").AsyncFileSystemWrapper
    wrapped = wrapper(module.filesystem("memory"), asynchronous=False)
    wrapped.pipe({"/a/one": b"1" * 10, "/a/two": b"2" * 20})
    with module.open("memory://archive.zip", "wb") as file, load("zipfile").ZipFile(file, "w") as archive:
        archive.writestr("inner", "text" * 1000)
    with module.open("zip://inner::memory://archive.zip", "rb") as file:
        packed = file.read()[-8:]
    with wrapped.sync_fs.open("/a/two", block_size=4) as file:
        file.seek(15)
        tail = file.read()
    return read, ranges, errors, listed, threads, asyncio.run(inside()), wrapped.find("/a"), packed, tail
