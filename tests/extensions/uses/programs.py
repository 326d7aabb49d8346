"""Networks, databases, the system, media."""

import io
import os
import tempfile
import threading
from importlib import import_module as load
from pathlib import Path

from extensions.packages import package


@package("greenlet==3.5.6")
def greenlet() -> object:
    """Switching between greenlets, an exception through a switch, garbage of a thread that has ended."""
    module = load("greenlet")

    def other() -> str:
        got = module.getcurrent().parent.switch("one")
        raise ValueError(got)

    child = module.greenlet(other)
    first = child.switch()
    try:
        child.switch("two")
    except ValueError as error:
        second = str(error)
    else:
        second = ""
    thread = threading.Thread(target=lambda: module.greenlet(other).switch())
    thread.start()
    thread.join()
    return first, second, child.dead


@package("gevent==26.9.0")
def gevent() -> object:
    """Greenlets that wait for each other, a queue, a server and its client, a timeout."""
    module, queue = load("gevent"), load("gevent.queue").Queue()
    server = load("gevent.server").StreamServer(("127.0.0.1", 0), lambda sock, _: sock.sendall(b"hello"))
    server.start()
    client = load("gevent.socket").create_connection(("127.0.0.1", server.server_port))
    received = client.recv(10)
    client.close()
    server.stop()
    jobs = [module.spawn(lambda n: queue.put(n * n), n) for n in range(5)]
    module.joinall(jobs)
    with module.Timeout(0.01, False):
        module.sleep(10)
    module.get_hub().destroy(destroy_loop=True)
    return sorted(queue.get() for _ in range(5)), received


@package("httptools==0.9.0")
def httptools() -> object:
    """A request and a URL, parsed, with callbacks; an error."""
    module = load("httptools")

    class Seen:
        def __init__(self) -> None:
            self.headers: list[tuple[bytes, bytes]] = []

        def on_header(self, name: bytes, value: bytes) -> None:
            self.headers.append((name, value))

    seen = Seen()
    parser = module.HttpRequestParser(seen)
    parser.feed_data(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n")
    try:
        module.HttpRequestParser(Seen()).feed_data(b"nonsense\r\n\r\n")
    except module.HttpParserError as error:
        failed = type(error).__name__
    else:
        failed = ""
    return seen.headers, parser.get_method(), module.parse_url(b"http://a:80/b?c").port, failed


@package("grpcio==1.85.3")
def grpcio() -> object:
    """A server and its client, with bytes as messages; callbacks from its threads."""
    module, pools = load("grpc"), load("concurrent.futures")
    server = module.server(pools.ThreadPoolExecutor(2))
    method = module.unary_unary_rpc_method_handler(lambda request, _: request.upper())
    server.add_generic_rpc_handlers((module.method_handlers_generic_handler("own", {"Upper": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with module.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary("/own/Upper")(b"hello", timeout=20)
    server.stop(None).wait()
    return answer


@package("pyzmq==27.3.0")
def zmq() -> object:
    """Sockets of two threads in the process, polling, a message through a proxy."""
    module = load("zmq")
    with module.Context() as context, context.socket(module.PAIR) as one, context.socket(module.PAIR) as other:
        one.bind("inproc://x")
        other.connect("inproc://x")
        thread = threading.Thread(target=other.send_multipart, args=([b"a", b"b"],))
        thread.start()
        ready = one.poll(20_000)
        received = one.recv_multipart()
        thread.join()
    return ready, received


@package("hiredis==3.5.0")
def hiredis() -> object:
    """Redis replies parsed, commands packed."""
    module = load("hiredis")
    reader = module.Reader()
    reader.feed(b"*2\r\n$3\r\nfoo\r\n:7\r\n-ERR no\r\n")
    return reader.gets(), type(reader.gets()).__name__, module.pack_command(("SET", "a", 1))


@package("psycopg2-binary==2.9.13")
def psycopg2() -> object:
    """Types adapted to SQL, a refused connection."""
    module, extensions = load("psycopg2"), load("psycopg2.extensions")
    try:
        module.connect("host=/nonexistent", connect_timeout=1)
    except module.OperationalError as error:
        failed = type(error).__name__
    else:
        failed = ""
    return extensions.adapt(["a", 1]).getquoted(), load("psycopg2.extras").Json({"a": 1}).dumps({"a": 1}), failed


@package("psycopg[binary]==3.3.9")
def psycopg() -> object:
    """SQL composition and a refused connection, with the C implementation."""
    module, sql = load("psycopg"), load("psycopg.sql")
    try:
        module.connect("host=/nonexistent")
    except module.OperationalError as error:
        failed = type(error).__name__
    else:
        failed = ""
    return module.pq.__impl__, sql.SQL("select {}").format(sql.Identifier("a")).as_string(None), failed


@package("mysqlclient==2.3.1")
def mysqlclient() -> object:
    """Escaping of text, a refused connection."""
    module = load("MySQLdb")
    try:
        module.connect(unix_socket="/nonexistent")
    except module.OperationalError as error:
        return error.args[0]
    return None


@package("pyodbc==5.5.0")
def pyodbc() -> object:
    """The list of drivers, a refused connection."""
    module = load("pyodbc")
    try:
        module.connect("DRIVER={none}")
    except module.Error as error:
        return type(error).__name__, module.drivers()
    return None


@package("oracledb==26.1.0")
def oracledb() -> object:
    """A refused connection, in thin mode."""
    module = load("oracledb")
    try:
        module.connect(user="a", password="b", dsn="127.0.0.1:1/x")
    except module.DatabaseError as error:
        return type(error).__name__, module.is_thin_mode()
    return None


@package("confluent-kafka==2.16.1")
def confluent_kafka() -> object:
    """A producer without a broker, its error and delivery callbacks."""
    module = load("confluent_kafka")
    errors: list[object] = []
    delivered: list[int] = []
    settings = {"bootstrap.servers": "127.0.0.1:1", "error_cb": errors.append, "message.timeout.ms": 300, "log_level": 0}
    producer = module.Producer(settings)
    producer.produce("topic", b"text", callback=lambda error, _: delivered.append(error.code()))
    producer.flush(20)
    return delivered, bool(errors)


@package("apsw==3.54.1.0")
def apsw() -> object:
    """SQLite with functions, aggregates and a virtual table in Python, an error."""
    module = load("apsw")
    with module.Connection(":memory:") as connection:
        connection.create_scalar_function("double", lambda value: 2 * value)
        connection.execute("create table t(a); insert into t values (1), (2), (3)")
        doubled = connection.execute("select sum(double(a)) from t").fetchall()
    try:
        connection.execute("nonsense")
    except module.SQLError as error:
        return doubled, type(error).__name__
    return doubled, ""


@package("SQLAlchemy==2.1.9", rounds=100)
def sqlalchemy() -> object:
    """A table in memory with the C code, a session with objects."""
    module, orm = load("sqlalchemy"), load("sqlalchemy.orm")
    load("sqlalchemy.util._collections_cy")
    engine = module.create_engine("sqlite://")
    base = orm.declarative_base()
    item = type(
        "Item",
        (base,),
        {"__tablename__": "t", "id": module.Column(module.Integer, primary_key=True), "name": module.Column(module.String)},
    )
    base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all([item(name=f"n{i}") for i in range(50)])
        session.commit()
        return session.scalar(module.select(module.func.count()).select_from(item)), session.get(item, 7).name


@package("psutil==7.2.2", rounds=100)
def psutil() -> object:
    """Memory, threads and files of this process; the processors."""
    module = load("psutil")
    process = module.Process()
    return process.pid == os.getpid(), process.memory_info().rss > 0, process.num_threads() > 1, module.cpu_count() > 0


@package("coverage==7.17.5")
def coverage() -> object:
    """Line coverage of a function, with the C tracer."""
    module = load("coverage")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measured.py"
        path.write_text("def f(x):\n    if x:\n        return 1\n    return 2\n\nf(1)\n")
        measured = module.Coverage(data_file=None, config_file=False, include=[str(path)])
        measured.set_option("run:core", "ctrace")
        measured.start()
        exec(compile(path.read_text(), str(path), "exec"), {})
        measured.stop()
        return measured.analysis2(str(path))[3]


@package("watchfiles==1.3.0")
def watchfiles() -> object:
    """A new file, detected by its thread."""
    module = load("watchfiles")
    with tempfile.TemporaryDirectory() as folder:
        watched = module.watch(folder, rust_timeout=100, yield_on_timeout=True, debounce=50, step=10)
        next(watched)
        (Path(folder) / "new").write_text("x")
        for changes in watched:
            if changes:
                watched.close()
                return sorted(change.name for change, _ in changes)[0]
    return None


@package("setproctitle==1.3.8")
def setproctitle() -> object:
    """Reading the process title."""
    return isinstance(load("setproctitle").getproctitle(), str)


@package("pycares==5.2.1")
def pycares() -> object:
    """Error names, a channel created and closed."""
    module = load("pycares")
    channel = module.Channel(timeout=0.1, tries=1)
    channel.close()
    return module.errno.strerror(1)


@package("multidict==7.2.1")
def multidict() -> object:
    """Several values for one key, case-insensitive keys."""
    load("multidict._multidict")
    headers = load("multidict").CIMultiDict([("A", "1"), ("a", "2")])
    return headers.getall("A"), dict(headers.copy())


@package("yarl==1.25.1")
def yarl() -> object:
    """URLs quoted by the C code, joined and changed."""
    load("yarl._quoting_c")
    url = load("yarl").URL("http://a.b/c d?e=ü")
    return str(url), str(url.join(load("yarl").URL("../x"))), url.query["e"]


@package("frozenlist==1.8.0")
def frozenlist() -> object:
    """A list that becomes immutable, with the C code."""
    load("frozenlist._frozenlist")
    made = load("frozenlist").FrozenList([1, 2])
    made.freeze()
    return hash(made) == hash(made), made.frozen, list(made)


@package("propcache==0.5.4")
def propcache() -> object:
    """A cached property, with the C code."""
    load("propcache._helpers_c")
    cached = load("propcache").cached_property(lambda self: [1])
    made = type("Made", (), {"value": cached})
    cached.__set_name__(made, "value")
    one = made()
    return one.value is one.value


@package("wrapt==2.5.2")
def wrapt() -> object:
    """Proxies and decorators, with the C code."""
    module = load("wrapt")
    wrapped = module.decorator(lambda fn, _, args, kwargs: fn(*args, **kwargs) + 1)(lambda x: x)
    return wrapped(1), module.ObjectProxy([1, 2])[1]


@package("lazy-object-proxy==1.13.0")
def lazy_object_proxy() -> object:
    """A proxy that creates its object on first use."""
    proxy = load("lazy_object_proxy").Proxy(lambda: [1, 2])
    return len(proxy), proxy == [1, 2]


@package("zope.interface==8.7")
def zope_interface() -> object:
    """Interfaces, their implementations, adapters."""
    module = load("zope.interface")
    interface = module.interface.InterfaceClass("IThing", (module.Interface,), {})
    made = module.implementer(interface)(type("Made", (), {}))
    registry = load("zope.interface.adapter").AdapterRegistry()
    registry.register([interface], interface, "", "found")
    return interface.providedBy(made()), registry.lookup1(interface, interface)


@package("pyinstrument==5.1.3")
def pyinstrument() -> object:
    """A profile of a loop, with the C sampler."""
    profiler = load("pyinstrument").Profiler(interval=0.0001)
    with profiler:
        sum(len(str(n)) for n in range(20_000))
    return profiler.last_session is not None


@package("pycrdt==0.14.13")
def pycrdt() -> object:
    """Shared text and arrays, an update from one document to another, an observer."""
    module = load("pycrdt")
    one, other = module.Doc(), module.Doc()
    one["text"] = text = module.Text()
    seen = []
    text.observe(lambda event: seen.append(str(event.target)))
    text += "hello"
    other["text"] = copied = module.Text()
    other.apply_update(one.get_update())
    return str(copied), seen


@package("dm-tree==0.1.10")
def dm_tree() -> object:
    """Nested structures, flattened and mapped."""
    module = load("tree")
    return module.flatten({"a": [1, 2], "b": (3,)}), module.map_structure(lambda x: x + 1, {"a": [1]})


@package("Pillow==13.0.0", rounds=100)
def pillow() -> object:
    """Images drawn, resized and filtered; PNG, JPEG and WebP encoding and decoding; text; an invalid file."""
    image, draw, filters = load("PIL.Image"), load("PIL.ImageDraw"), load("PIL.ImageFilter")
    made = image.new("RGB", (100, 80), "white")
    canvas = draw.Draw(made)
    canvas.ellipse((10, 10, 60, 60), fill=(200, 30, 30))
    canvas.text((5, 5), "text", fill="black", font=load("PIL.ImageFont").load_default(12))
    sizes = []
    for kind in ("PNG", "JPEG", "WEBP"):
        memory = io.BytesIO()
        made.save(memory, kind)
        sizes.append(image.open(memory).convert("L").size)
    try:
        image.open(io.BytesIO(b"nonsense"))
    except Exception as error:
        failed = type(error).__name__
    else:
        failed = ""
    return sizes, made.resize((50, 40)).filter(filters.GaussianBlur(2)).getpixel((17, 17)), failed


@package("soundfile==0.14.0")
def soundfile() -> object:
    """Sound written and read as FLAC."""
    np, module = load("numpy"), load("soundfile")
    memory = io.BytesIO()
    module.write(memory, np.zeros((100, 2)), 8000, format="FLAC")
    memory.seek(0)
    data, rate = module.read(memory)
    return data.shape, rate


@package("av==19.0.2", needs=("numpy==2.5.5",))
def av() -> object:
    """Video frames, encoded and decoded."""
    np, module = load("numpy"), load("av")
    memory = io.BytesIO()
    with module.open(memory, "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for n in range(10):
            frame = module.VideoFrame.from_ndarray(np.full((48, 64, 3), n * 20, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    memory.seek(0)
    with module.open(memory) as container:
        return sum(1 for _ in container.decode(video=0))


@package("PyMuPDF==2.0")
def pymupdf() -> object:
    """A document of two pages, its text, a picture of it, an invalid file."""
    module = load("pymupdf")
    with module.open() as document:
        for text in ("one", "two"):
            document.new_page().insert_text((72, 72), f"hello {text}")
        data = document.tobytes()
    with module.open(stream=data) as document:
        words = [page.get_text().strip() for page in document]
        size = document[0].get_pixmap().size
    return words, size


@package("pikepdf==10.18.0")
def pikepdf() -> object:
    """A document created, saved, opened and changed; an invalid file."""
    module = load("pikepdf")
    memory = io.BytesIO()
    with module.new() as document:
        document.add_blank_page()
        document.docinfo["/Title"] = "title"
        document.save(memory)
    memory.seek(0)
    with module.open(memory) as document:
        title, pages = str(document.docinfo["/Title"]), len(document.pages)
    try:
        module.open(io.BytesIO(b"nonsense"))
    except module.PdfError as error:
        return title, pages, type(error).__name__
    return title, pages, ""


@package("reportlab==5.1.0")
def reportlab() -> object:
    """A document with text and lines, a table."""
    canvas = load("reportlab.pdfgen.canvas")
    memory = io.BytesIO()
    drawn = canvas.Canvas(memory, invariant=1)
    drawn.drawString(100, 100, "hello")
    drawn.line(0, 0, 100, 100)
    drawn.save()
    return memory.getvalue()[:5]
