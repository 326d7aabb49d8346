"""JSON, CBOR, YAML and other formats; hashes; compression."""

import datetime
import io
from collections.abc import Callable
from importlib import import_module as load

from extensions.packages import package

SAMPLE = {
    "name": "größe",
    "numbers": [1, 2.5, -3, 2**40],
    "nested": {"empty": [], "none": None, "yes": True},
    "text": "x" * 300,
}
BYTES = bytes(range(256)) * 200


def failure(fn: Callable[..., object], *args: object) -> str:
    """Its exception's name."""
    try:
        fn(*args)
    except Exception as error:
        return type(error).__name__
    return ""


@package("orjson==3.13.0", rounds=100)
def orjson() -> object:
    """JSON encoding and decoding, options, dates, a default function, a parser error."""
    module = load("orjson")
    text = module.dumps(SAMPLE, option=module.OPT_SORT_KEYS | module.OPT_INDENT_2)
    odd = module.dumps({"s": {1}, "d": datetime.date(2026, 1, 2)}, default=list)
    return module.loads(text) == SAMPLE, len(text), odd, failure(module.loads, "{")


@package("ujson==6.1.0")
def ujson() -> object:
    """JSON encoding and decoding, a parser error."""
    module = load("ujson")
    return module.loads(module.dumps(SAMPLE)) == SAMPLE, module.dumps("ü", ensure_ascii=False), failure(module.loads, "{")


@package("python-rapidjson==1.25")
def rapidjson() -> object:
    """JSON encoding and decoding, dates, decimals, a schema, a parser error."""
    module = load("rapidjson")
    validate = module.Validator('{"required": ["a"]}')
    odd = module.dumps(datetime.date(2026, 1, 2), datetime_mode=module.DM_ISO8601)
    return module.loads(module.dumps(SAMPLE)) == SAMPLE, odd, failure(validate, "{}"), failure(module.loads, "{")


@package("simplejson==4.3.0")
def simplejson() -> object:
    """JSON encoding and decoding with the C code, decimals, a parser error."""
    module = load("simplejson")
    load("simplejson._speedups")
    return (
        module.loads(module.dumps(SAMPLE)) == SAMPLE,
        str(module.loads("0.1", use_decimal=True)),
        failure(module.loads, "{"),
    )


@package("pysimdjson==7.0.2")
def simdjson() -> object:
    """JSON parsing, elements of a document."""
    module = load("simdjson")
    return module.Parser().parse(b'{"a": [1, 2, {"b": 3}]}')["a"][2]["b"], module.loads("[1.5]"), failure(module.loads, "{")


@package("msgspec==0.22.0", rounds=100)
def msgspec() -> object:
    """Structs encoded and decoded as JSON and MessagePack, constraints, unions, errors."""
    module = load("msgspec")
    point = module.defstruct("Point", [("x", int), ("y", float, 0.5)], frozen=True)
    decoder = module.json.Decoder(list[point])  # type: ignore[valid-type]
    points = decoder.decode(b'[{"x": 1}, {"x": 2, "y": 3}]')
    try:
        decoder.decode(b'[{"x": "no"}]')
    except module.ValidationError as error:
        message = str(error)
    else:
        message = ""
    packed = module.msgpack.decode(module.msgpack.encode(SAMPLE)) == SAMPLE
    return [(each.x, each.y) for each in points], packed, message, module.json.encode(points)


@package("ormsgpack==1.13.1")
def ormsgpack() -> object:
    """MessagePack encoding and decoding, an error."""
    module = load("ormsgpack")
    return module.unpackb(module.packb(SAMPLE)) == SAMPLE, failure(module.unpackb, b"\xc1")


@package("msgpack==1.2.4")
def msgpack() -> object:
    """MessagePack encoding and decoding with the C code, a stream, an error."""
    module = load("msgpack")
    load("msgpack._cmsgpack")
    unpacker = module.Unpacker()
    unpacker.feed(module.packb(1) + module.packb("two"))
    return module.unpackb(module.packb(SAMPLE)) == SAMPLE, list(unpacker), failure(module.unpackb, b"\xc1")


@package("cbor2==6.3.0")
def cbor2() -> object:
    """CBOR encoding and decoding, dates, shared values, an error."""
    module = load("cbor2")
    when = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    cycle: list[object] = []
    cycle.append(cycle)
    again = module.loads(module.dumps(cycle, value_sharing=True))
    return (
        module.loads(module.dumps(SAMPLE)) == SAMPLE,
        module.loads(module.dumps(when)) == when,
        again[0] is again,
        failure(module.loads, b""),
    )


@package("PyYAML==6.0.4")
def yaml() -> object:
    """YAML loading and dumping with the C loader, an error."""
    module = load("yaml")
    text = module.dump(SAMPLE, Dumper=module.CSafeDumper, allow_unicode=True)
    return module.load(text, Loader=module.CSafeLoader) == SAMPLE, failure(
        lambda: module.load("[", Loader=module.CSafeLoader)
    )


@package("pymongo==4.20.1")
def bson() -> object:
    """BSON encoding and decoding with the C code, an error."""
    module = load("bson")
    sample = {key: value for key, value in SAMPLE.items() if key != "nested"} | {"when": datetime.datetime(2026, 1, 2)}
    return module.has_c(), module.decode(module.encode(sample)) == sample, failure(module.decode, b"xx")


@package("protobuf==7.36.2", rounds=100)
def protobuf() -> object:
    """Messages with fields of every kind, encoded and decoded by the C implementation; JSON; a parser error."""
    implementation = load("google.protobuf.internal.api_implementation").Type()
    struct, formats = load("google.protobuf.struct_pb2"), load("google.protobuf.json_format")
    made = struct.Struct()
    made.update({"a": 1.5, "b": ["x", True], "c": {"d": None}})
    again = struct.Struct()
    again.ParseFromString(made.SerializeToString(deterministic=True))
    return implementation, again == made, formats.MessageToDict(made), failure(struct.Struct().ParseFromString, b"\xff")


@package("ciso8601==2.4.1")
def ciso8601() -> object:
    """Dates with zones, an error."""
    module = load("ciso8601")
    return module.parse_datetime("2026-01-02T03:04:05+02:00").isoformat(), failure(module.parse_datetime, "x")


@package("selectolax==1.0.2")
def selectolax() -> object:
    """HTML parsing, CSS selectors."""
    page = "<div id=a><p class=x>one<p>two</div>" * 50
    tree = load("selectolax.lexbor").LexborHTMLParser(page)
    return len(tree.css("p.x")), [node.text() for node in tree.css("#a > p")][:2]


@package("markupsafe==3.0.4")
def markupsafe() -> object:
    """Escaping, with the C code."""
    load("markupsafe._speedups")
    markup = load("markupsafe").Markup
    return str(markup("<b>%s</b>") % "<&>"), str(markup.escape('"' * 3))


@package("cmarkgfm==2025.10.22")
def cmarkgfm() -> object:
    """Markdown with tables."""
    module = load("cmarkgfm")
    return module.github_flavored_markdown_to_html("# a\n\n|x|y|\n|-|-|\n|1|2|\n")


@package("jsonschema==4.26.0")
def jsonschema() -> object:
    """A schema, references, errors (rpds-py)."""
    module = load("jsonschema")
    schema = {"$defs": {"n": {"type": "integer"}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}}
    return [error.message for error in module.Draft202012Validator(schema).iter_errors({"a": "x"})]


@package("rpds-py==2026.9.1")
def rpds() -> object:
    """Persistent maps, lists and sets."""
    module = load("rpds")
    one = module.HashTrieMap({"a": 1})
    return dict(one.insert("b", 2)), len(one), list(module.List([1, 2]).push_front(0)), len(module.HashTrieSet([1, 1]))


@package("immutables==0.21")
def immutables() -> object:
    """A persistent map and a mutation of it."""
    one = load("immutables").Map(a=1)
    with one.mutate() as mutation:
        mutation["b"] = 2
        other = mutation.finish()
    return dict(other), len(one)


@package("lz4==4.4.5")
def lz4() -> object:
    """Compression and decompression of frames and blocks, an error."""
    frame, block = load("lz4.frame"), load("lz4.block")
    return (
        frame.decompress(frame.compress(BYTES)) == BYTES,
        block.decompress(block.compress(BYTES)) == BYTES,
        failure(frame.decompress, b"xx"),
    )


@package("zstandard==0.25.0")
def zstandard() -> object:
    """Compression, a dictionary, a stream, an error."""
    module = load("zstandard")
    packed = module.ZstdCompressor(level=5).compress(BYTES)
    reader = module.ZstdDecompressor().stream_reader(io.BytesIO(packed))
    return (
        module.ZstdDecompressor().decompress(packed) == BYTES,
        reader.read(10),
        failure(module.ZstdDecompressor().decompress, b"xx"),
    )


@package("cramjam==2.14.0")
def cramjam() -> object:
    """Snappy, Brotli and Zstandard compression and decompression, an error."""
    module = load("cramjam")
    kinds = (module.snappy, module.brotli, module.zstd)
    return [bytes(kind.decompress(kind.compress(BYTES))) == BYTES for kind in kinds], failure(module.zstd.decompress, b"xx")


@package("zlib-ng==1.1.0")
def zlib_ng() -> object:
    """Compression, a gzip file, a checksum."""
    module, gzip = load("zlib_ng.zlib_ng"), load("zlib_ng.gzip_ng")
    return (
        module.decompress(module.compress(BYTES)) == BYTES,
        gzip.decompress(gzip.compress(BYTES)) == BYTES,
        module.crc32(BYTES),
    )


@package("isal==1.9.1")
def isal() -> object:
    """Compression, a gzip file, a checksum."""
    module, gzip = load("isal.isal_zlib"), load("isal.igzip")
    return (
        module.decompress(module.compress(BYTES)) == BYTES,
        gzip.decompress(gzip.compress(BYTES)) == BYTES,
        module.crc32(BYTES),
    )


@package("Brotli==1.2.1")
def brotli() -> object:
    """Compression in one piece and in parts, an error."""
    module = load("brotli")
    compressor = module.Compressor()
    parts = compressor.process(BYTES) + compressor.finish()
    return (
        module.decompress(module.compress(BYTES)) == BYTES,
        module.decompress(parts) == BYTES,
        failure(module.decompress, b"xx"),
    )


@package("python-snappy==0.7.3")
def snappy() -> object:
    """Compression and decompression."""
    module = load("snappy")
    return bytes(module.uncompress(module.compress(BYTES))) == BYTES


@package("blake3==1.0.11")
def blake3() -> object:
    """Hashes, on several threads, with a key."""
    module = load("blake3").blake3
    return module(BYTES, max_threads=2).hexdigest(), module(BYTES, key=bytes(32)).hexdigest()


@package("mmh3==5.3.1")
def mmh3() -> object:
    """Hashes of 32 and 128 bits."""
    module = load("mmh3")
    return module.hash("text"), module.hash128(BYTES), module.mmh3_32(b"a").digest().hex()


@package("xxhash==4.1.0")
def xxhash() -> object:
    """Hashes of 64 and 128 bits, in parts."""
    module = load("xxhash")
    parts = module.xxh64()
    parts.update(BYTES)
    return parts.hexdigest(), module.xxh3_128_hexdigest(BYTES)


@package("crc32c==2.9.post0")
def crc32c() -> object:
    """A checksum."""
    return load("crc32c").crc32c(BYTES)


@package("cryptography==50.0.2", rounds=100)
def cryptography() -> object:
    """Fernet, AES-GCM, RSA and Ed25519 signatures, a certificate, a wrong signature."""
    hazmat = "cryptography.hazmat.primitives"
    fernet, aead = load("cryptography.fernet").Fernet, load(f"{hazmat}.ciphers.aead").AESGCM(bytes(32))
    key = load(f"{hazmat}.asymmetric.ed25519").Ed25519PrivateKey.from_private_bytes(bytes(32))
    rsa, padding, hashes = load(f"{hazmat}.asymmetric.rsa"), load(f"{hazmat}.asymmetric.padding"), load(f"{hazmat}.hashes")
    private = rsa.generate_private_key(65537, 2048)
    signature = private.sign(b"text", padding.PKCS1v15(), hashes.SHA256())
    private.public_key().verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    x509 = load("cryptography.x509")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "name")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, begin, begin + datetime.timedelta(days=1))
    certificate = builder.sign(key, None)
    other = fernet(fernet.generate_key())
    return (
        other.decrypt(other.encrypt(b"text")),
        aead.encrypt(bytes(12), b"text", None).hex(),
        key.sign(b"text").hex()[:20],
        failure(key.public_key().verify, bytes(64), b"text"),
        certificate.subject.rfc4514_string(),
    )


@package("bcrypt==5.0.0")
def bcrypt() -> object:
    """Hashing and checking a password."""
    module = load("bcrypt")
    salt = b"$2b$04$abcdefghijklmnopqrstuu"
    hashed = module.hashpw(b"secret", salt)
    return hashed, module.checkpw(b"secret", hashed), module.checkpw(b"other", hashed), failure(module.hashpw, b"x", b"y")


@package("PyNaCl==1.6.2")
def nacl() -> object:
    """Secret boxes, signatures, a wrong signature."""
    secret, signing = load("nacl.secret"), load("nacl.signing")
    box = secret.SecretBox(bytes(32))
    key = signing.SigningKey(bytes(32))
    return (
        box.decrypt(box.encrypt(b"text")),
        key.sign(b"text").signature.hex()[:20],
        failure(key.verify_key.verify, bytes(70)),
    )


@package("argon2-cffi==25.1.0")
def argon2() -> object:
    """Hashing and checking a password, a wrong password."""
    hasher = load("argon2").PasswordHasher(time_cost=1, memory_cost=100, parallelism=1)
    hashed = hasher.hash("secret")
    return hasher.verify(hashed, "secret"), failure(hasher.verify, hashed, "other")


@package("pycryptodome==4.4.0")
def pycryptodome() -> object:
    """AES in two modes, SHA-3, RSA keys."""
    aes = load("Crypto.Cipher.AES")
    return (
        aes.new(bytes(16), aes.MODE_CBC, iv=bytes(16)).encrypt(bytes(32)).hex(),
        aes.new(bytes(16), aes.MODE_GCM, nonce=bytes(12)).encrypt_and_digest(b"text")[1].hex(),
        load("Crypto.Hash.SHA3_256").new(b"text").hexdigest(),
        load("Crypto.Util.number").isPrime(2**61 - 1),
    )


@package("cffi==2.1.1")
def cffi() -> object:
    """C structures and arrays, a function of the C library, callbacks into Python."""
    module = load("cffi").FFI()
    module.cdef("size_t strlen(const char *); struct p { int x; double y; };")
    module.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
    library = module.dlopen(None)

    @module.callback("int(const void *, const void *)")  # type: ignore[untyped-decorator]
    def compare(one: object, other: object) -> int:
        a, b = module.cast("int *", one)[0], module.cast("int *", other)[0]
        return int(a > b) - int(a < b)

    numbers = module.new("int[]", [5, 3, 9, 1])
    library.qsort(numbers, 4, 4, compare)
    return library.strlen(b"four"), list(numbers), module.new("struct p *", {"x": 3, "y": 0.5}).y
