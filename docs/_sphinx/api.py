"""A Sphinx extension: reference entries of this package's names, `.. api:: aiointerpreters.Runner`.

The texts are the docstrings, as `help()` shows them. The signatures come from the source: a Python file, or `_core.pyi` for
names written in C++. The tests compare that stub with the extension. So neither can drift. If the directive contains text,
it replaces the docstring. `:added:` is the version that brought the name. `:new:` names the parameters and methods that a
later version has brought to it: `1.0 max_interpreters run`.
"""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import aiointerpreters

PACKAGE = Path(aiointerpreters.__file__).parent

# Pages of Python's documentation that describe the names used in signatures and texts.
PYTHON = "https://docs.python.org/3/library"
PAGES = {
    "asyncio.AbstractEventLoop": "asyncio-eventloop",
    "asyncio.Future": "asyncio-future",
    "asyncio.Runner": "asyncio-runner",
    "asyncio.TaskGroup": "asyncio-task",
    "asyncio.create_task": "asyncio-task",
    "asyncio.run": "asyncio-runner",
    "asyncio.timeout": "asyncio-task",
    "asyncio.to_thread": "asyncio-task",
    "collections.abc.AsyncGenerator": "collections.abc",
    "collections.abc.AsyncIterable": "collections.abc",
    "collections.abc.Callable": "collections.abc",
    "collections.abc.Coroutine": "collections.abc",
    "collections.abc.Iterable": "collections.abc",
    "collections.abc.Iterator": "collections.abc",
    "concurrent.futures.Future": "concurrent.futures",
    "concurrent.futures.ProcessPoolExecutor": "concurrent.futures",
    "concurrent.futures.ThreadPoolExecutor": "concurrent.futures",
    "concurrent.futures.as_completed": "concurrent.futures",
    "concurrent.futures.thread.BrokenThreadPool": "concurrent.futures",
    "concurrent.futures.wait": "concurrent.futures",
    "contextvars.ContextVar": "contextvars",
    "os.process_cpu_count": "os",
    "typing.Any": "typing",
    "typing.Concatenate": "typing",
    "typing.Literal": "typing",
    "typing.Self": "typing",
    **dict.fromkeys(["bool", "complex", "float", "int", "object", "slice", "type"], "functions"),
    **dict.fromkeys(
        ["bytearray", "bytes", "dict", "frozenset", "list", "memoryview", "range", "set", "str", "tuple"], "stdtypes"
    ),
    **dict.fromkeys(["AttributeError", "BaseException", "Exception", "FileNotFoundError", "ImportError"], "exceptions"),
    **dict.fromkeys(["NotImplementedError", "RuntimeError", "TimeoutError", "TypeError", "ValueError"], "exceptions"),
    "MemoryError": "exceptions",
    "asyncio.CancelledError": "asyncio-exceptions",
    "concurrent.interpreters": "concurrent.interpreters",
    "functools.partial": "functools",
}
SHORT = {name.rpartition(".")[2]: name for name in PAGES}
ELSEWHERE = {"RunFuture", "SharedBuffer"}
# Names that docstrings use in sentences without backticks: they have a dot, or two capitals as in RunFuture.
IN_SENTENCES = re.compile(
    r"(?<![\w.`])(?:"
    + "|".join(
        re.escape(name)
        for name in sorted({*PAGES, *SHORT, *aiointerpreters.__all__, *ELSEWHERE}, key=len, reverse=True)
        if "." in name or re.fullmatch(r"[A-Z]\w*[a-z][A-Z]\w*", name)
    )
    + r")(?![\w`]|\.\w)"
)
# In signatures: they are of no page of their own.
PLAIN = {"EllipsisType", "NotImplementedType", "Never", "Queue", "anyio.CapacityLimiter", "DoneAndNotDone", "None"}


@cache
def tree_of(module: str) -> ast.Module:
    """The source of a module of the package, or its stub."""
    stem = PACKAGE / module.removeprefix("aiointerpreters").removeprefix(".").replace(".", "/")
    path = next(path for path in (stem.with_suffix(".pyi"), stem.with_suffix(".py")) if path.is_file())
    return ast.parse(path.read_text(encoding="utf-8"))


def definitions(body: list[ast.stmt], name: str) -> list[Any]:
    """What defines a name: overloads and, behind them, the function itself."""
    found = [node for node in body if getattr(node, "name", None) == name]
    return found or [node for node in body if isinstance(node, ast.TypeAlias) and node.name.id == name]


def find(name: str) -> tuple[Any, Any]:
    """An object by its full name, and what defines it in the source or the stub."""
    module, _, short = name.rpartition(".")
    value = getattr(importlib.import_module(module), short)
    for place in (
        getattr(value, "__module__", module) or module,
        module,
        "aiointerpreters._core",
        "aiointerpreters._waiting",
    ):
        if place.startswith("aiointerpreters") and place != "aiointerpreters":
            nodes_found = definitions(tree_of(place).body, short)
            if nodes_found:
                return value, nodes_found[-1]
    raise LookupError(f"no source of {name}")


# Private types, and the modules that define them.
CHOICES = {"Extensions": "_options", "Words": "_options", "_Lane": "_core", "_Place": "_core", "_Where": "_core"}


class Inlined(ast.NodeTransformer):
    """Writes out the package's private names for types, and annotations in quotes."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Take the quotes away: an annotation in quotes is an expression."""
        if isinstance(node.value, str) and node.value.startswith("asyncio."):
            return ast.parse(node.value, mode="eval").body
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Write out the names of choices."""
        return self._alias(CHOICES[node.id], node.id).value if node.id in CHOICES else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Write out `_Items[T]`."""
        self.generic_visit(node)
        if not isinstance(node.value, ast.Name) or node.value.id != "_Items":
            return node
        alias = self._alias("runner", "_Items")
        text = ast.unparse(alias.value)
        return ast.parse(text.replace(f"[{alias.type_params[0].name}]", f"[{ast.unparse(node.slice)}]"), mode="eval").body

    @staticmethod
    def _alias(module: str, name: str) -> Any:
        return definitions(tree_of(f"aiointerpreters.{module}").body, name)[0]


def signature(node: Any, *, bound: bool, returns: bool = True) -> str:
    """The signature of a function as it is written; of a method without `self`."""
    node = Inlined().visit(ast.parse(ast.unparse(node)).body[0])
    arguments = node.args
    if bound:
        first = arguments.posonlyargs or arguments.args
        del first[0]
    text = f"({ast.unparse(arguments)})"
    text = text.replace("(/, ", "(", 1)
    if getattr(node, "type_params", None) and returns:
        text = f"[{', '.join(map(ast.unparse, node.type_params))}]{text}"
    return f"{text} -> {ast.unparse(node.returns)}" if returns and node.returns is not None else text


def text_of(value: Any, config: Any) -> list[str]:
    """The docstring in reStructuredText, whose names are links."""
    doc = inspect.getdoc(value) or ""
    return [linked(line) for line in str(GoogleDocstring(doc, config)).splitlines()]


def linked(line: str) -> str:
    """A line of a docstring with backticks around the names in its sentences."""
    field, text = re.fullmatch(r"(\s*:(?:raises|param|returns)[^:]*: |)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
    if text.lstrip().startswith((":", "..", ">>>")):
        return line
    parts = re.split(r"(`+[^`]*`+)", text)
    parts[::2] = (IN_SENTENCES.sub(r"`\g<0>`", part) for part in parts[::2])
    return field + "".join(parts)


def is_public(name: str) -> bool:
    """Whether a member has an entry."""
    return not name.startswith("_")


class Api(SphinxDirective):
    """`.. api:: aiointerpreters.Runner`."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 - docutils reads it of the class
        "added": directives.unchanged_required,
        "new": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Write the entry in reStructuredText, and have it parsed."""
        name = self.arguments[0]
        if "added" not in self.options:
            raise self.error(f"the entry of {name} does not say which version brought it")
        value, node = find(name)
        module, _, short = name.rpartition(".")
        if isinstance(node, ast.ClassDef):
            lines = self._class(value, node, module, short)
        elif isinstance(node, ast.TypeAlias):
            lines = [f".. py:type:: {short}", f"   :module: {module}", ""]
            lines += self._body(self._alias_text(node, module))
        else:
            lines = [f".. py:function:: {short}{signature(node, bound=False)}", f"   :module: {module}"]
            lines += self._asynchronous(node)
            lines += ["", *self._body(text_of(value, self._config()))]
        place = nodes.section()
        place.document = self.state.document
        self.state.nested_parse(StringList(lines, source=f"docstring of {name}"), self.content_offset, place)
        return place.children

    def _class(self, value: type, node: ast.ClassDef, module: str, short: str) -> list[str]:
        kind = "exception" if issubclass(value, BaseException) else "class"
        members = {member.name: member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)}
        constructor = members.get("__init__", members.get("__new__"))
        # Only executors make futures; exceptions are made with a message.
        made = constructor is not None and kind == "class" and short not in {"Future", "RunFuture"}
        parameters = f"[{', '.join(map(ast.unparse, node.type_params))}]" if node.type_params else ""
        shown = signature(constructor, bound=True, returns=False) if made else ""
        text = text_of(value, self._config())
        own_init = vars(value).get("__init__")
        if made and inspect.isfunction(own_init):
            text += ["", *text_of(own_init, self._config())]
        lines = [f".. py:{kind}:: {short}{parameters}{shown}", f"   :module: {module}", "", *self._body(text)]
        if short == "InterpreterThreadPoolExecutor":
            _, base = find("aiointerpreters._core.ExecutorBase")
            members = {member.name: member for member in base.body if isinstance(member, ast.FunctionDef)} | members
        for name, member in members.items():
            if is_public(name):
                lines += ["", *(f"   {line}".rstrip() for line in self._member(getattr(value, name), member))]
                if name in self._new()[1]:
                    lines += ["", f"      .. versionadded:: {self._new()[0]}"]
        return lines

    def _member(self, value: Any, node: Any) -> list[str]:
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        if "property" in decorators:
            lines = [f".. py:property:: {node.name}", f"   :type: {ast.unparse(Inlined().visit(node.returns))}"]
        else:
            lines = [f".. py:method:: {node.name}{signature(node, bound=True)}", *self._asynchronous(node)]
            lines += ["   :classmethod:"] if "classmethod" in decorators else []
        return [*lines, "", *(f"   {line}" for line in text_of(value, self._config()))]

    @staticmethod
    def _asynchronous(node: Any) -> list[str]:
        return ["   :async:"] if isinstance(node, ast.AsyncFunctionDef) else []

    def _body(self, text: list[str]) -> list[str]:
        text = list(self.content) or text
        text += ["", f".. versionadded:: {self.options['added']}"]
        version, names = self._new()
        if names:
            text += ["", f".. versionchanged:: {version}", f"   Added {', '.join(f'``{name}``' for name in names)}."]
        return [f"   {line}".rstrip() for line in text]

    def _alias_text(self, node: ast.TypeAlias, module: str) -> list[str]:
        places = {"Fallback": "aiointerpreters._options", "Shareable": "aiointerpreters.types"}
        body = tree_of(places.get(node.name.id, "aiointerpreters.runner")).body
        following: Any = body[body.index(next(one for one in body if ast.dump(one) == ast.dump(node))) + 1]
        value = Inlined().visit(ast.parse(ast.unparse(node.value), mode="eval").body)
        code = ast.unparse(value).replace(" | ", "\n| ")
        doc = GoogleDocstring(inspect.cleandoc(following.value.value), self._config())
        return [
            ".. code-block:: python",
            "",
            *(f"   {line}" for line in code.splitlines()),
            "",
            *map(linked, str(doc).splitlines()),
        ]

    def _new(self) -> tuple[str, list[str]]:
        version, *names = self.options.get("new", "").split() or [""]
        return version, names

    @staticmethod
    def _config() -> Any:
        return Config(napoleon_use_rtype=False, napoleon_use_param=True)


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element) -> nodes.Element | None:
    """Find what a name of Python's domain means that is none of this site's full names."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removesuffix("()")
    if target in PLAIN or target.split(".")[0] in {"P", "Q", "R", "S", "T", "Ts", "A", "B", "C", "F"}:
        return contnode
    ours = [name for name in env.domains["py"].objects if name.endswith(f".{target}")]
    if len(ours) == 1:
        entry = env.domains["py"].objects[ours[0]]
        link = nodes.reference("", "", internal=True, reftitle=ours[0])
        link["refuri"] = f"{app.builder.get_relative_uri(node['refdoc'], entry.docname)}#{entry.node_id}"
        link += contnode
        return link
    name = target if target in PAGES else SHORT.get(target)
    if name is not None:
        uri = f"{PYTHON}/{PAGES[name]}.html#{name}"
        return nodes.reference("", "", contnode, internal=False, refuri=uri, reftitle=name)
    return contnode if node["reftype"] == "obj" else None  # `text` in docstrings that is no name


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_directive("api", Api)
    app.connect("missing-reference", resolve)
    return {"version": "1", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
