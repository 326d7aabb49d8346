"""The packages that `.ci/run` tries on each version of Python (tests/contract/test_private_packages.py)."""

from importlib import import_module as load

from extensions.packages import package


@package("numpy==2.5.5", rounds=100)
def numpy() -> object:
    """Sums, matrices, linear algebra, FFT, random numbers, sorting, structured and object arrays."""
    np = load("numpy")
    rng = np.random.default_rng(7)
    rows = rng.random((200, 30))
    gram = rows.T @ rows + np.eye(30)
    solved = np.linalg.solve(gram, np.ones(30))
    again = np.fft.irfft(np.fft.rfft(rows[0]), 30)
    records = np.array([(2, 0.5), (1, 1.5)], dtype=[("key", "i8"), ("value", "f8")])
    objects = np.array([{"a": 1}, None, "text"], dtype=object)
    return (
        bool(np.allclose(gram @ solved, 1)),
        bool(np.allclose(again, rows[0])),
        np.sort(records, order="key")["value"].tolist(),
        objects.tolist(),
        np.unique(rng.integers(0, 5, 1000)).tolist(),
        round(float(np.einsum("ij,ij->", rows, rows)), 6),
    )


@package("pydantic==2.14.4", rounds=100)
def pydantic() -> object:
    """A model with nested models: validation, errors, JSON encoding and decoding, its schema."""
    module = load("pydantic")
    inner = module.create_model("Inner", number=(int, ...), when=(load("datetime").datetime, ...))
    model = module.create_model("Outer", name=(str, ...), parts=(list[inner], ...))  # type: ignore[valid-type]
    made = model.model_validate({"name": "x", "parts": [{"number": "3", "when": "2026-01-02T03:04:05Z"}]})
    try:
        model.model_validate({"name": 1, "parts": [{"number": "x"}]})
    except module.ValidationError as error:
        errors = error.errors(include_url=False, include_context=False)
    else:
        errors = []
    same = model.model_validate_json(made.model_dump_json()) == made
    return same, made.parts[0].number, [each["type"] for each in errors], sorted(model.model_json_schema()["$defs"])


@package("lxml==6.1.3", rounds=100)
def lxml() -> object:
    """XML and HTML parsing, XPath, XSLT, parser errors, serialization."""
    etree, html = load("lxml.etree"), load("lxml.html")
    root = etree.fromstring("<a>" + "".join(f"<b n='{i}'>t{i}</b>" for i in range(200)) + "</a>")
    sheet = etree.XSLT(
        etree.fromstring(
            "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
            "<xsl:template match='/'><c><xsl:value-of select='count(//b)'/></c></xsl:template></xsl:stylesheet>"
        )
    )
    try:
        etree.fromstring("<a><b></a>")
    except etree.XMLSyntaxError as error:
        message = str(error)
    else:
        message = ""
    page = html.fromstring("<p>one<p>two <b>three</b>")
    return root.xpath("sum(//b/@n)"), str(sheet(root)), message, [each.text_content() for each in page.iter("p")]


@package("regex==2026.11.19", rounds=100)
def regex() -> object:
    """Matching with sets, fuzzy matching, named groups, a recursive pattern."""
    module = load("regex")
    return (
        module.findall(r"\p{Lu}\p{Ll}+", "Über Straßen und Äcker"),
        module.search(r"(?:foobar){e<=2}", "xx fobbar").group(),
        [match.group("word") for match in module.finditer(r"(?<word>\w+)", "a bc def" * 50)][-1],
        module.fullmatch(r"\((?:[^()]|(?R))*\)", "(a(b)c)").group(),
    )
