"""Text: matching, distances, tokens, parsing of languages."""

from importlib import import_module as load

from extensions.packages import package


@package("tiktoken==0.14.0")
def tiktoken() -> object:
    """Encoding and decoding with a custom vocabulary, on its threads."""
    core = load("tiktoken").Encoding(
        "own",
        pat_str=r"\w+|\s+|[^\w\s]+",
        mergeable_ranks={bytes([i]): i for i in range(256)} | {b"th": 256, b"the": 257},
        special_tokens={"<end>": 258},
    )
    return (
        core.encode("the other <end>", allowed_special="all"),
        core.decode(core.encode("größe")),
        core.encode_batch(["a", "the"]),
    )


@package("tokenizers==0.23.3")
def tokenizers() -> object:
    """A tokenizer trained on a few words, its offsets, saved as JSON and loaded."""
    module = load("tokenizers")
    tokenizer = module.Tokenizer(module.models.BPE(unk_token="?"))
    tokenizer.pre_tokenizer = module.pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(
        ["low lower lowest"] * 20, module.trainers.BpeTrainer(vocab_size=50, special_tokens=["?"], show_progress=False)
    )
    encoded = tokenizer.encode("lower slow")
    again = module.Tokenizer.from_str(tokenizer.to_str())
    return encoded.tokens, encoded.offsets, again.encode("lower slow").ids == encoded.ids


@package("sentencepiece==0.2.3")
def sentencepiece() -> object:
    """A model trained in memory, encoding and decoding of text."""
    module, io = load("sentencepiece"), load("io")
    model = io.BytesIO()
    sentences = iter(["the cat sat on the mat", "a dog ran in the park"] * 50)
    module.SentencePieceTrainer.train(sentence_iterator=sentences, model_writer=model, vocab_size=21, minloglevel=2)
    processor = module.SentencePieceProcessor(model_proto=model.getvalue())
    return processor.decode(processor.encode("the dog sat")), processor.get_piece_size()


@package("RapidFuzz==3.14.6")
def rapidfuzz() -> object:
    """Distances and similarities with the C++ code, the best match of many, a matrix."""
    module, process = load("rapidfuzz"), load("rapidfuzz.process")
    load("rapidfuzz.fuzz_cpp")
    return (
        module.fuzz.ratio("abcd", "abxd"),
        process.extractOne("appel", ["apple", "pear"])[0],
        process.cdist(["a", "ab"], ["ab"]).tolist(),
    )


@package("Levenshtein==0.27.5")
def levenshtein() -> object:
    """Distances, ratios, edit operations."""
    module = load("Levenshtein")
    return module.distance("kitten", "sitting"), round(module.ratio("abc", "abd"), 4), module.editops("ab", "b")


@package("jellyfish==1.3.0")
def jellyfish() -> object:
    """Distances and phonetic codes."""
    module = load("jellyfish")
    return (
        module.damerau_levenshtein_distance("ab", "ba"),
        round(module.jaro_winkler_similarity("dixon", "dicksonx"), 4),
        module.soundex("Robert"),
    )


@package("pyahocorasick==2.3.1")
def ahocorasick() -> object:
    """A search for many words at once."""
    automaton = load("ahocorasick").Automaton()
    for word in ("he", "she", "hers"):
        automaton.add_word(word, word)
    automaton.make_automaton()
    return list(automaton.iter("ushers"))


@package("google-re2==1.1.20251105")
def re2() -> object:
    """Matching, groups, sets of patterns, an error."""
    module = load("re2")
    patterns = module.Set.SearchSet()
    patterns.Add("a+")
    patterns.Add("b+")
    patterns.Compile()
    try:
        module.compile("(")
    except module.error as error:
        failed = type(error).__name__
    else:
        failed = ""
    return module.search(r"(?P<x>\d+)", "ab 12").group("x"), sorted(patterns.Match("xxbb")), failed


@package("charset-normalizer==3.5.3")
def charset_normalizer() -> object:
    """Detecting the encoding of a text that is not UTF-8 (mypyc)."""
    found = load("charset_normalizer").from_bytes("Grüße aus Köln, schöne Straße".encode("cp1252") * 20).best()
    return found is not None


@package("tree-sitter==0.26.1", needs=("tree-sitter-python==0.25.0", "tree-sitter-json==0.24.8"))
def tree_sitter() -> object:
    """Syntax trees of two languages, a query, an edit."""
    module, python, json = load("tree_sitter"), load("tree_sitter_python"), load("tree_sitter_json")
    language = module.Language(python.language())
    tree = module.Parser(language).parse(b"def f(x):\n    return x + 1\n" * 20)
    query = module.Query(language, "(function_definition name: (identifier) @name)")
    captured = module.QueryCursor(query).captures(tree.root_node)
    other = module.Parser(module.Language(json.language())).parse(b'{"a": [1, 2]}')
    return len(captured["name"]), str(other.root_node)[:40]


@package("Cython==3.3.1")
def cython() -> object:
    """Translating a module to C, with the compiled compiler."""
    tempfile, pathlib = load("tempfile"), load("pathlib")
    main = load("Cython.Compiler.Main")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "module.pyx"
        path.write_text("def f(int x):\n    return x + 1\n")
        result = main.compile_single(str(path), main.CompilationOptions(main.default_options, language_level=3), "module")
        return result.num_errors, pathlib.Path(result.c_file).stat().st_size > 1000
