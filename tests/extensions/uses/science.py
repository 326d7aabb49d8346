"""Numerics, statistics, learning."""

import tempfile
from importlib import import_module as load
from pathlib import Path

from extensions.packages import package


@package("scipy==1.18.1", rounds=100)
def scipy() -> object:
    """Linear algebra, optimization with a callback, sparse solving, integration, special functions, splines, FFT, a tree."""
    np = load("numpy")
    linalg, optimize, sparse, spsolve = (
        load("scipy.linalg"),
        load("scipy.optimize"),
        load("scipy.sparse"),
        load("scipy.sparse.linalg").spsolve,
    )
    matrix = np.diag(np.full(20, 4.0)) + np.diag(np.ones(19), 1)
    found = optimize.minimize(lambda x: (x[0] - 3) ** 2 + (x[1] + 1) ** 2, [0.0, 0.0])
    points = load("scipy.spatial").cKDTree(np.arange(200.0).reshape(100, 2))
    return (
        round(float(linalg.det(matrix)), 3),
        [round(float(each), 3) for each in found.x],
        round(float(spsolve(sparse.csc_matrix(matrix), np.ones(20)).sum()), 6),
        round(load("scipy.integrate").quad(np.sin, 0, np.pi)[0], 9),
        round(float(load("scipy.special").gamma(4.5)), 9),
        round(float(load("scipy.interpolate").CubicSpline([0, 1, 2], [0, 1, 4])(1.5)), 9),
        round(float(abs(load("scipy.fft").fft(np.arange(8.0))[1])), 9),
        int(points.query([50.0, 51.0])[1]),
        round(float(load("scipy.stats").norm.cdf(1.96)), 6),
    )


@package("scikit-learn==1.9.1", rounds=100)
def sklearn() -> object:
    """Logistic regression, a random forest, k-means, PCA, a pipeline with cross-validation."""
    datasets, np = load("sklearn.datasets"), load("numpy")
    x, y = datasets.load_iris(return_X_y=True)
    logistic = load("sklearn.linear_model").LogisticRegression(max_iter=500)
    pipeline = load("sklearn.pipeline").make_pipeline(load("sklearn.preprocessing").StandardScaler(), logistic)
    forest = load("sklearn.ensemble").RandomForestClassifier(20, random_state=1).fit(x, y)
    means = load("sklearn.cluster").KMeans(3, random_state=1, n_init=2).fit(x)
    return (
        round(float(load("sklearn.model_selection").cross_val_score(pipeline, x, y, cv=3).mean()), 3),
        round(float(forest.score(x, y)), 3),
        sorted(np.bincount(means.labels_).tolist()),
        round(float(load("sklearn.decomposition").PCA(2).fit(x).explained_variance_ratio_[0]), 6),
    )


@package("statsmodels==0.15.0")
def statsmodels() -> object:
    """A linear regression, a logit model, an autoregression."""
    np, api = load("numpy"), load("statsmodels.api")
    rng = np.random.default_rng(3)
    x = api.add_constant(rng.random(200))
    y = x @ [1.0, 2.0] + rng.normal(0, 0.1, 200)
    logit = api.Logit((y > 2).astype(float), x).fit(disp=0)
    series = load("statsmodels.tsa.ar_model").AutoReg(y, 2).fit()
    return api.OLS(y, x).fit().params.round(6).tolist(), logit.params.round(3).tolist(), len(series.params)


@package("xgboost==3.4.1")
def xgboost() -> object:
    """Training of boosted trees on its threads, prediction, a saved model, its own exception."""
    np, module = load("numpy"), load("xgboost")
    x = np.arange(400.0).reshape(100, 4)
    y = (x.sum(axis=1) > 800).astype(int)
    data = module.DMatrix(x, y)
    booster = module.train({"max_depth": 2, "objective": "binary:logistic", "nthread": 2}, data, num_boost_round=5)
    raw = booster.save_raw()
    try:
        module.train({"max_depth": -3, "objective": "nonsense"}, data, num_boost_round=1)
    except module.core.XGBoostError as error:
        failed = type(error).__name__
    else:
        failed = ""
    return booster.predict(data).round(4).tolist()[::20], len(raw) > 100, failed


@package("lightgbm==4.7.0")
def lightgbm() -> object:
    """Training of boosted trees, with a Python callback and a Python objective; prediction."""
    np, module = load("numpy"), load("lightgbm")
    x = np.arange(800.0).reshape(200, 4)
    y = (x.sum(axis=1) > 1600).astype(float)
    seen = []
    parameters = {"verbose": -1, "min_data_in_leaf": 5, "num_threads": 1, "deterministic": True}
    booster = module.train(
        parameters | {"objective": "binary"}, module.Dataset(x, y), 5, callbacks=[lambda env: seen.append(env.iteration)]
    )
    own = module.train(
        parameters | {"objective": lambda guess, data: (guess - data.get_label(), np.ones_like(guess))},
        module.Dataset(x, y),
        3,
    )
    return booster.predict(x).round(4).tolist()[::40], seen, own.predict(x).round(4).tolist()[::40]


@package("numba==0.68.1")
def numba() -> object:
    """Compiled loops over arrays, a vectorized function, a function that raises."""
    np, module = load("numpy"), load("numba")

    def total(values):  # type: ignore[no-untyped-def]
        result = 0.0
        for value in values:
            result += value * value
        return result

    def failing(value):  # type: ignore[no-untyped-def]
        if value > 1:
            raise ValueError("too large")
        return value

    compiled = module.njit(total)
    plus = module.vectorize(["f8(f8, f8)"])(lambda a, b: a + b)
    try:
        module.njit(failing)(3)
    except ValueError as error:
        message = str(error)
    else:
        message = ""
    return compiled(np.arange(1000.0)), plus(np.arange(4.0), 1.0).tolist(), message


@package("llvmlite==0.50.0")
def llvmlite() -> object:
    """An LLVM module parsed, optimized, compiled and called through ctypes."""
    binding = load("llvmlite.binding")
    ctypes = load("ctypes")
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    text = "define i64 @add(i64 %a, i64 %b) {\n  %c = add i64 %a, %b\n  ret i64 %c\n}"
    machine = binding.Target.from_default_triple().create_target_machine()
    with binding.create_mcjit_compiler(binding.parse_assembly(text), machine) as engine:
        engine.finalize_object()
        add = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(engine.get_function_address("add"))
        result = add(40, 2)
    try:
        binding.parse_assembly("nonsense")
    except RuntimeError:
        return result, "refused"
    return result, ""


@package("matplotlib==3.11.2")
def matplotlib() -> object:
    """A figure with lines, text, an image and a histogram, as PNG and as SVG."""
    io, np = load("io"), load("numpy")
    load("matplotlib").use("agg")
    figure = load("matplotlib.figure").Figure()
    one, other = figure.subplots(1, 2)
    one.plot(np.arange(10), np.arange(10) ** 2, label="squares")
    one.set_title("$x^2$")
    one.legend()
    other.imshow(np.arange(100).reshape(10, 10))
    memory, text = io.BytesIO(), io.StringIO()
    figure.savefig(memory, format="png")
    figure.savefig(text, format="svg")
    return memory.getvalue()[:4].hex(), "</svg>" in text.getvalue()


@package("contourpy==1.4.0")
def contourpy() -> object:
    """Lines and filled areas of a field."""
    np = load("numpy")
    generator = load("contourpy").contour_generator(z=np.add.outer(np.arange(10.0), np.arange(10.0)))
    return len(generator.lines(5.5)), len(generator.filled(3.0, 6.0)[0])


@package("kiwisolver==1.5.1")
def kiwisolver() -> object:
    """Constraints solved and changed."""
    module = load("kiwisolver")
    x, y, solver = module.Variable("x"), module.Variable("y"), module.Solver()
    solver.addConstraint(x + y == 10)
    solver.addConstraint((x >= 7) | "strong")
    solver.addConstraint((y >= 1) | "weak")
    solver.updateVariables()
    return x.value() + y.value(), x.value() >= 7


@package("scikit-image==0.26.0")
def skimage() -> object:
    """Filters, thresholds, labelled regions, a transformation."""
    np, filters, measure, transform = (
        load("numpy"),
        load("skimage.filters"),
        load("skimage.measure"),
        load("skimage.transform"),
    )
    image = np.zeros((60, 60))
    image[10:20, 10:20] = image[30:50, 30:40] = 1
    labels = measure.label(image > filters.threshold_otsu(image))
    return (
        [int(region.area) for region in measure.regionprops(labels)],
        round(float(filters.gaussian(image, 2).sum()), 3),
        transform.resize(image, (30, 30)).shape,
        round(float(filters.sobel(image).sum()), 3),
    )


@package("opencv-python-headless==5.0.0.93")
def opencv() -> object:
    """Blurring, edges, contours, colours, PNG encoding and decoding, its own exception."""
    np, cv = load("numpy"), load("cv2")
    image = np.zeros((100, 100), np.uint8)
    image[20:60, 30:70] = 255
    contours, _ = cv.findContours(image, cv.RETR_EXTERNAL, cv.CHAIN_APPROX_SIMPLE)
    ok, encoded = cv.imencode(".png", image)
    try:
        cv.resize(image, (0, 0))
    except cv.error as error:
        code = error.code
    else:
        code = 0
    return (
        int(cv.GaussianBlur(image, (5, 5), 0).sum()) // 1000,
        int((cv.Canny(image, 50, 100) > 0).sum()),
        cv.contourArea(contours[0]),
        ok and bool(np.array_equal(cv.imdecode(encoded, cv.IMREAD_GRAYSCALE), image)),
        code,
    )


@package("faiss-cpu==1.15.1")
def faiss() -> object:
    """A flat index and one with clusters, trained, filled and searched."""
    np, module = load("numpy"), load("faiss")
    vectors = np.random.default_rng(1).random((500, 8), dtype="f4")
    flat = module.IndexFlatL2(8)
    flat.add(vectors)
    clustered = module.IndexIVFFlat(flat, 8, 10)
    clustered.train(vectors)
    clustered.add(vectors)
    return flat.search(vectors[:3], 1)[1].ravel().tolist(), clustered.ntotal


@package("onnxruntime==1.32.0")
def onnxruntime() -> object:
    """Providers, options, an invalid model and the exception for it."""
    module = load("onnxruntime")
    try:
        module.InferenceSession(b"no model", providers=["CPUExecutionProvider"])
    except Exception as error:
        return type(error).__name__, module.get_available_providers()[-1]
    return None


@package("PyWavelets==1.10.0")
def pywavelets() -> object:
    """A wavelet decomposition and reconstruction, in one and two dimensions."""
    np, module = load("numpy"), load("pywt")
    values = np.arange(64.0)
    low, high = module.dwt(values, "db2")
    return (
        bool(np.allclose(module.idwt(low, high, "db2"), values)),
        [len(each) for each in module.wavedec(values, "haar", level=3)],
        module.dwt2(values.reshape(8, 8), "haar")[0].shape,
    )


@package("ml-dtypes==0.6.0")
def ml_dtypes() -> object:
    """Arrays of bfloat16 and of eight-bit floats, conversions, sums."""
    np, module = load("numpy"), load("ml_dtypes")
    return (
        float(np.arange(8).astype(module.bfloat16).sum()),
        np.array([0.1, 1.5, 300]).astype(module.float8_e4m3fn).astype("f4")[:2].tolist(),
        str(np.dtype(module.bfloat16)),
    )


@package("igraph==1.0.0")
def igraph() -> object:
    """A graph, shortest paths, communities, centrality."""
    graph = load("igraph").Graph.Ring(20)
    graph.add_edges([(0, 10), (5, 15)])
    return graph.distances(0, 12), len(graph.community_fastgreedy().as_clustering()), round(graph.betweenness()[0], 3)


@package("osqp==1.1.3")
def osqp() -> object:
    """A quadratic program."""
    np, sparse, module = load("numpy"), load("scipy.sparse"), load("osqp")
    solver = module.OSQP()
    solver.setup(
        sparse.csc_matrix([[4.0, 1.0], [1.0, 2.0]]),
        np.ones(2),
        sparse.csc_matrix([[1.0, 1.0]]),
        np.ones(1),
        np.ones(1),
        verbose=False,
    )
    return solver.solve().x.round(3).tolist()


@package("cvxpy==1.9.3")
def cvxpy() -> object:
    """A least-squares problem with bounds."""
    np, module = load("numpy"), load("cvxpy")
    x = module.Variable(3)
    problem = module.Problem(module.Minimize(module.sum_squares(np.eye(3) @ x - np.array([1.0, -1.0, 2.0]))), [x >= 0])
    problem.solve()
    return x.value.round(3).tolist()


@package("gmpy2==2.3.2")
def gmpy2() -> object:
    """Large integers, rationals, floats of 200 bits."""
    module = load("gmpy2")
    with module.context(precision=200):
        root = str(module.sqrt(module.mpfr(2)))[:40]
    return str(module.mpz(3) ** 100), str(module.mpq(1, 3) + module.mpq(1, 6)), root, bool(module.is_prime(2**61 - 1))


@package("python-flint==0.9.0")
def flint() -> object:
    """Polynomials, factors, matrices of rational numbers."""
    module = load("flint")
    factors = module.fmpz_poly([-1, 0, 1]).factor()
    return (
        [str(each) for each, _ in factors[1]],
        str(module.fmpq_mat(2, 2, [1, 2, 3, 4]).det()),
        str(module.fmpz(2**40 + 1).factor()),
    )


@package("Shapely==2.2.0")
def shapely() -> object:
    """Geometry: buffers, unions, predicates, a tree, WKT, a parser error."""
    module, np = load("shapely"), load("numpy")
    box = module.box(0, 0, 2, 2)
    tree = module.STRtree([module.Point(i, i) for i in range(50)])
    try:
        module.from_wkt("POINT (nonsense)")
    except module.errors.GEOSException as error:
        failed = type(error).__name__
    else:
        failed = ""
    return (
        round(box.buffer(1).area, 6),
        module.union_all([box, module.box(1, 1, 3, 3)]).area,
        sorted(tree.query(module.box(3, 3, 6, 6)).tolist()),
        module.contains(box, module.points(np.array([[1.0, 1.0], [5.0, 5.0]]))).tolist(),
        module.from_wkt("POINT (1 2)").wkt,
        failed,
    )


@package("pyproj==3.8.0")
def pyproj() -> object:
    """Coordinate transformation, geodesics."""
    module = load("pyproj")
    x, y = module.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True).transform(10, 50)
    return round(x, 2), round(y, 2), round(module.Geod(ellps="WGS84").inv(0, 0, 1, 1)[2], 2)


@package("h3==4.5.0")
def h3() -> object:
    """Cells, their neighbours and their edges."""
    module = load("h3")
    cell = module.latlng_to_cell(50, 10, 6)
    return cell, len(module.grid_disk(cell, 2)), len(module.cell_to_boundary(cell))


@package("rasterio==1.5.2")
def rasterio() -> object:
    """A raster in memory, written and read with GDAL."""
    np, module = load("numpy"), load("rasterio")
    with module.MemoryFile() as memory:
        profile = {"driver": "GTiff", "width": 20, "height": 10, "count": 1, "dtype": "uint8"}
        with memory.open(**profile) as raster:
            raster.write(np.full((10, 20), 3, np.uint8), 1)
        with memory.open() as raster:
            return int(raster.read(1).sum()), raster.shape


@package("bitarray==3.12.3")
def bitarray() -> object:
    """Bits: counting, searching, packing."""
    module = load("bitarray")
    bits = module.bitarray("1011" * 100)
    return bits.count(), bits.find(module.bitarray("0110")), (bits & ~bits).any(), bits.tobytes()[:2]


@package("pyroaring==1.2.0")
def pyroaring() -> object:
    """Sets of integers, unions, differences, conversion to bytes and back."""
    module = load("pyroaring")
    one, other = module.BitMap(range(0, 1000, 2)), module.BitMap(range(0, 1000, 3))
    return len(one | other), len(one & other), module.BitMap.deserialize(one.serialize()) == one


@package("gensim==4.4.0")
def gensim() -> object:
    """Word vectors, trained on a few sentences."""
    model = load("gensim.models").Word2Vec(
        [["a", "b", "c"], ["b", "c", "d"]] * 20, vector_size=8, min_count=1, workers=1, seed=1
    )
    return len(model.wv), model.wv["a"].shape


@package("spacy==3.8.18")
def spacy() -> object:
    """A blank pipeline: tokens, sentences, matching by rules, a document as bytes."""
    module = load("spacy")
    language = module.blank("en")
    language.add_pipe("sentencizer")
    document = language("Mr. Smith went home. It rained!")
    matcher = load("spacy.matcher").Matcher(language.vocab)
    matcher.add("NAME", [[{"LOWER": "smith"}]])
    again = load("spacy.tokens").Doc(language.vocab).from_bytes(document.to_bytes())
    return (
        [token.text for token in document],
        len(list(document.sents)),
        [match[1:] for match in matcher(document)],
        again.text,
    )


@package("safetensors==0.8.0", needs=("numpy==2.5.5",))
def safetensors() -> object:
    """NumPy tensors, in a file and as bytes."""
    np, module = load("numpy"), load("safetensors.numpy")
    tensors = {"a": np.arange(10), "b": np.ones((2, 3), "f4")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        module.save_file(tensors, path)
        loaded = module.load_file(path)
    return sorted(loaded), int(loaded["a"].sum()), len(module.save(tensors))


@package("torch==2.14.1", group="torch")
def torch() -> object:
    """Tensors, a small network without gradients (see "Packages that are refused")."""
    module = load("torch")
    module.set_num_threads(1)
    x = module.arange(6.0).reshape(2, 3)
    return (x @ x.T).tolist(), list(module.nn.Linear(4, 2)(module.ones(3, 4)).shape)
