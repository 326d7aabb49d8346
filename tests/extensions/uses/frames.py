"""Tables, columns, and the formats that they are kept in."""

import io
import tempfile
from importlib import import_module as load
from pathlib import Path

from extensions.packages import package


@package("pandas==3.1.1", rounds=100)
def pandas() -> object:
    """Grouping, joining, pivoting, resampling, rolling means, CSV, categories, missing values."""
    np, pd = load("numpy"), load("pandas")
    frame = pd.DataFrame(
        {"key": np.arange(300) % 7, "value": np.arange(300) * 0.5, "name": [f"n{i % 3}" for i in range(300)]}
    )
    joined = frame.merge(pd.DataFrame({"key": range(7), "weight": range(7)}), on="key")
    series = pd.Series(range(100), index=pd.date_range("2026-01-01", periods=100, freq="h"))
    text = io.StringIO(frame.to_csv(index=False))
    return (
        frame.groupby("key")["value"].sum().tolist(),
        int((joined["weight"] * joined["value"]).sum()),
        frame.pivot_table(index="key", columns="name", values="value").round(3).to_numpy().tolist(),
        series.resample("D").mean().tolist(),
        series.rolling(5).mean().dropna().tolist()[:3],
        bool(pd.read_csv(text).equals(frame)),
        frame["name"].astype("category").cat.categories.tolist(),
        pd.Series([1, None, 3]).isna().tolist(),
    )


@package("polars==2.1.0", rounds=100)
def polars() -> object:
    """A lazy query with groups and windows on its threads, strings, joins, Parquet in memory."""
    pl = load("polars")
    frame = pl.DataFrame(
        {"key": [i % 5 for i in range(500)], "value": list(range(500)), "name": [f"n{i}" for i in range(500)]}
    )
    query = (
        frame.lazy()
        .with_columns(pl.col("value").sum().over("key").alias("total"))
        .group_by("key")
        .agg(pl.col("value").mean(), pl.col("total").first(), pl.col("name").str.to_uppercase().last())
    )
    memory = io.BytesIO()
    frame.write_parquet(memory)
    memory.seek(0)
    joined = frame.join(frame.select("key").unique(), on="key").height
    return query.sort("key").collect().rows(), joined, bool(pl.read_parquet(memory).equals(frame))


@package("pyarrow==26.0.1", rounds=100)
def pyarrow() -> object:
    """Tables, compute functions, Parquet, IPC streams, CSV, a dataset with a filter."""
    pa, compute, parquet, csv = (load(name) for name in ("pyarrow", "pyarrow.compute", "pyarrow.parquet", "pyarrow.csv"))
    table = pa.table({"key": [i % 4 for i in range(400)], "value": [i * 0.25 for i in range(400)]})
    memory = io.BytesIO()
    parquet.write_table(table, memory, compression="zstd")
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    with tempfile.TemporaryDirectory() as folder:
        parquet.write_table(table, Path(folder) / "part.parquet")
        filtered = load("pyarrow.dataset").dataset(folder).to_table(filter=compute.field("key") == 2).num_rows
    return (
        table.group_by("key").aggregate([("value", "sum")]).sort_by("key").to_pydict(),
        parquet.read_table(io.BytesIO(memory.getvalue())).equals(table),
        pa.ipc.open_stream(stream.getvalue()).read_all().equals(table),
        csv.read_csv(io.BytesIO(b"a,b\n1,x\n2,y\n")).to_pydict(),
        filtered,
        table["value"].to_numpy().sum().item(),
    )


@package("duckdb==2.0.1", needs=("pandas==3.1.1",), rounds=100)
def duckdb() -> object:
    """SQL in memory with groups and windows, a Python function in a query, a table from pandas."""
    module, pd = load("duckdb"), load("pandas")
    with module.connect() as connection:
        connection.execute("create table t as select range as i, range % 3 as k from range(1000)")
        grouped = connection.execute("select k, sum(i), count(*) from t group by k order by k").fetchall()
        ranked = connection.execute(
            "select i from (select i, row_number() over (order by i desc) r from t) where r = 2"
        ).fetchall()
        connection.create_function("plus_one", lambda value: value + 1, ["BIGINT"], "BIGINT")
        called = connection.execute("select sum(plus_one(i)) from t").fetchall()
        connection.register("frame", pd.DataFrame({"a": [1, 2, 3]}))
        framed = connection.execute("select sum(a) from frame").df().iloc[0, 0].item()
    return grouped, ranked, called, framed


@package("numexpr==2.14.2")
def numexpr() -> object:
    """Array expressions on its threads, a sum, a comparison."""
    np, module = load("numpy"), load("numexpr")
    a, b = np.arange(50_000) * 0.5, np.arange(50_000) * 0.25
    computed = module.evaluate("2 * a + sqrt(b)", local_dict={"a": a, "b": b})
    return (
        bool(np.allclose(computed, 2 * a + np.sqrt(b))),
        float(module.evaluate("sum(a)", local_dict={"a": a})),
        int(module.evaluate("a > b", local_dict={"a": a, "b": b}).sum()),
    )


@package("bottleneck==1.6.0")
def bottleneck() -> object:
    """Moving means, ranks, medians with missing values."""
    np, module = load("numpy"), load("bottleneck")
    values = np.array([1.0, np.nan, 3.0, 8.0, 5.0] * 20)
    return (
        module.nanmedian(values),
        module.move_mean(values, 3, min_count=1).round(4)[-5:].tolist(),
        module.rankdata(values[:3]).tolist()[0],
    )


@package("numcodecs==0.17.1")
def numcodecs() -> object:
    """Blosc, LZ4, Zstandard and Delta, encoding and decoding."""
    np, module = load("numpy"), load("numcodecs")
    data = np.arange(20_000, dtype="i8")
    codecs = [module.Blosc(cname="lz4", clevel=5), module.LZ4(), module.Zstd(level=3), module.Delta(dtype="i8")]
    return [bool(np.array_equal(np.frombuffer(codec.decode(codec.encode(data)), "i8"), data)) for codec in codecs]


@package("zarr==3.4.2")
def zarr() -> object:
    """An array in memory, written and read in chunks by its event loop in a thread."""
    np, module = load("numpy"), load("zarr")
    array = module.create_array(store=module.storage.MemoryStore(), shape=(100, 100), chunks=(10, 100), dtype="f8")
    array[:] = np.arange(10_000).reshape(100, 100)
    return float(array[5:50].sum()), array.shape, float(array[99, 99])


@package("h5py==3.16.0", rounds=100)
def h5py() -> object:
    """A file in memory: groups, attributes, compressed and chunked data, strings, slices."""
    np, module = load("numpy"), load("h5py")
    with module.File("memory", "w", driver="core", backing_store=False) as file:
        data = file.create_group("g").create_dataset(
            "d", data=np.arange(10_000).reshape(100, 100), chunks=True, compression="gzip"
        )
        data.attrs["unit"] = "m"
        file["names"] = ["a", "ü"]
        try:
            file["missing"]
        except KeyError as error:
            message = str(error)
        else:
            message = ""
        return int(data[3:7, ::2].sum()), data.attrs["unit"], file["names"].asstr()[:].tolist(), list(file), message


@package("netCDF4==1.7.5.1.post1")
def netcdf() -> object:
    """A file on disk and one in memory: dimensions, variables, attributes, unlimited dimensions."""
    np, module = load("numpy"), load("netCDF4")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nc"
        with module.Dataset(path, "w") as data:
            data.createDimension("time", None)
            data.createDimension("x", 10)
            values = data.createVariable("v", "f8", ("time", "x"), zlib=True)
            values[:] = np.arange(50).reshape(5, 10)
            values.units = "K"
        with module.Dataset(path) as data:
            found = float(data["v"][:].sum()), data["v"].units, data.dimensions["time"].isunlimited()
    return found


@package("tables==3.11.1")
def tables() -> object:
    """A table in a file: rows, a query with a condition, a compressed array."""
    np, module = load("numpy"), load("tables")
    with tempfile.TemporaryDirectory() as folder, module.open_file(str(Path(folder) / "a.h5"), "w") as file:
        table = file.create_table("/", "t", {"i": module.Int64Col(), "x": module.Float64Col()})
        table.append([(i, i * 0.5) for i in range(1000)])
        table.flush()
        array = file.create_carray("/", "a", obj=np.arange(1000), filters=module.Filters(complevel=5, complib="blosc"))
        return [row["i"] for row in table.where("(x > 10) & (x < 12)")], int(array[:].sum())


@package("blosc2==4.14.1")
def blosc2() -> object:
    """Compression and decompression of bytes and arrays, a lazy expression."""
    np, module = load("numpy"), load("blosc2")
    array = module.asarray(np.arange(10_000).reshape(100, 100))
    return (
        module.decompress(module.compress(b"x" * 10_000)) == b"x" * 10_000,
        int(array[5:10].sum()),
        int((array + 1)[:].sum()),
    )


@package("tensorstore==0.1.86")
def tensorstore() -> object:
    """An array in memory, written and read by its threads."""
    np, module = load("numpy"), load("tensorstore")
    spec = {"driver": "zarr", "kvstore": {"driver": "memory"}}
    store = module.open(spec, create=True, dtype=module.int32, shape=[100, 100]).result()
    store[10:20, :].write(np.ones((10, 100), np.int32)).result()
    return int(store.read().result().sum()), list(store.shape)


@package("python-calamine==0.9.1")
def calamine() -> object:
    """An invalid workbook and the exception for it."""
    module = load("python_calamine")
    try:
        module.CalamineWorkbook.from_filelike(io.BytesIO(b"no workbook"))
    except Exception as error:
        return type(error).__name__, str(error)
    return None


@package("fastavro==1.13.1")
def fastavro() -> object:
    """Records with a schema, written and read, with compression."""
    module = load("fastavro")
    schema = module.parse_schema(
        {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "string"]}]}
    )
    memory = io.BytesIO()
    module.writer(memory, schema, [{"a": i, "b": None if i % 2 else f"t{i}"} for i in range(100)], codec="deflate")
    memory.seek(0)
    return list(module.reader(memory))[:4]
