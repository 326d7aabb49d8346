"""What the findings about a target mean: what works, what refuses and why, what is left out silently, and what to do."""

from dataclasses import asdict, dataclass, field
from typing import Any

from .. import _core
from .process import Trial
from .targets import Target
from .trial import text_of

DECLARED, PRIVATE = "declared", "private"
WORKS = "works"
FALLS_BACK = "falls back"  # it works without extension modules, which are left out without an error
PARTLY = "partly"  # it can be imported, but some of its modules cannot
REFUSES = "refuses"
FAILS = "fails"
CRASHES = "crashes"
HANGS = "hangs"

_HANGS = "no end"
_FATAL = "Fatal Python error: "
_LONGEST_SHOWN = 200  # characters of the last line of a program that has crashed
_OUR_TEXT = "does not work in a worker's interpreter: "

type _Noted = dict[str, tuple[list[str], str, str]]  # by module: the chain, the text of the error, why it refuses


@dataclass(frozen=True)
class Refusal:
    """An extension module that cannot be imported in an interpreter."""

    module: str
    reason: str
    chain: list[str]  # the modules that were being imported, outermost first; the module itself is the last


@dataclass
class Outcome:
    """How one way to import extension modules worked."""

    status: str
    problem: str | None = None  # of a target that fails, crashes or hangs
    refused: list[Refusal] = field(default_factory=list)  # so these cannot be used
    left_out: list[Refusal] = field(default_factory=list)  # these are not used, and there is no error
    stderr: str | None = None  # of a target that crashes or hangs


@dataclass
class Verdict:
    """All outcomes of a target."""

    target: Target
    outcomes: dict[str, Outcome]  # by DECLARED and PRIVATE; not all are tried
    problem: str | None = None  # of a target that cannot be imported in the main interpreter
    extensions: int = 0  # the number of extension modules that the target loads
    unchecked: list[list[str]] = field(default_factory=list)  # modules that home cannot import, and why
    is_unknown: bool = False  # there is no such target

    @property
    def route(self) -> str:
        """What to do."""
        declared, private = self.outcomes.get(DECLARED), self.outcomes.get(PRIVATE)
        if self.problem is not None:
            return "-"
        if declared is not None and declared.status == WORKS:
            return "nothing to do"
        if private is not None and private.status == WORKS:
            return 'extensions="private"'
        if declared is not None and declared.status == FALLS_BACK:
            return "works as it is, but slower or not completely"
        if private is not None and private.status in {PARTLY, FALLS_BACK}:
            return 'extensions="private", except for the modules below'
        if declared is not None and declared.status == PARTLY:
            return "works, except for the modules below"
        if private is None and declared is not None and declared.status not in {CRASHES, HANGS}:
            return 'try extensions="private"' if _core.why_no_copies() is None else "processes or threads"
        return "processes or threads"

    def works(self, way: str) -> bool:
        """Whether nothing is to be said against a target in this way. True if it did not have to be tried."""
        return self.problem is None and (way not in self.outcomes or self.outcomes[way].status == WORKS)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "target": self.target.name,
            "kind": self.target.kind,
            "modules": list(self.target.modules),
            "problem": self.problem,
            "extension_modules": self.extensions,
            "unchecked": [{"module": module, "problem": problem} for module, problem in self.unchecked],
            "ways": {way: asdict(outcome) for way, outcome in self.outcomes.items()},
            "route": self.route,
        }


def home_problem(trial: Trial) -> str | None:
    """Return why the target cannot be imported in the main interpreter; None: it can."""
    if trial.home is None:
        if trial.end is not None and trial.end.startswith(_HANGS):
            return f"importing it in the main interpreter takes too long: {trial.end}"
        said = _last_words(trial.stderr)
        return f"importing it in the main interpreter ends the process: {trial.end}{f' ({said})' if said else ''}"
    for module, error in trial.home["errors"].items():
        return f"{module} cannot be imported in the main interpreter: {text_of(error)}"
    return None


def _last_words(stderr: str) -> str:
    """Return the line in which a program says why it ends: that of the interpreter if it has crashed, else the last one."""
    lines = stderr.strip().splitlines()
    fatal = [line for line in lines if line.startswith(_FATAL)]
    return (fatal or lines or [""])[-1][:_LONGEST_SHOWN]


def is_missing(target: Target, trial: Trial) -> bool:
    """Whether there is no module of that name."""
    errors = trial.home["errors"] if trial.home is not None else {}
    names = {error["name"] for error in errors.values() if error["type"] == "ModuleNotFoundError" and error["name"]}
    return any(module == name or module.startswith(f"{name}.") for module in target.modules for name in names)


def judge(trial: Trial, way: str) -> Outcome:
    """Return what the trial of a target that home can import says."""
    assert trial.home is not None
    home = trial.home
    if trial.end is not None and (not trial.interpreters or trial.step != "two interpreters"):
        status = HANGS if trial.end.startswith(_HANGS) else CRASHES
        return Outcome(status, f"{trial.end} in {trial.step}", stderr=trial.stderr or None)
    refused: dict[str, Refusal] = {}
    left_out: dict[str, Refusal] = {}
    failures: list[str] = []
    for found in trial.interpreters:
        noted = _noted(found["refused"])
        part_noted = noted | _noted(found["part_refused"])
        for module, error in found["errors"].items():
            leafs = _leafs(error, noted)
            refused |= {leaf: _refusal(home, leaf, *leafs[leaf]) for leaf in leafs}
            failures += [] if leafs else [f"{module}: {text_of(error)}"]
        if found["errors"]:
            continue
        for leaf in home["loaded"].keys() - found["loaded"].keys():
            left_out[leaf] = _refusal(home, leaf, *noted.get(leaf, ([leaf], "", "")))
        for part, error in found["part_errors"].items():
            leafs = _leafs(error, part_noted)
            failures += [] if leafs else [f"{part}: {text_of(error)}"]
            for leaf, how in leafs.items():
                if leaf in trial.guarded:
                    left_out.setdefault(leaf, _refusal(home, leaf, *how))
                elif leaf not in noted:  # otherwise the package itself has tried it, and can do without it
                    refused.setdefault(leaf, _refusal(home, leaf, *how))
    refused = {leaf: refusal for leaf, refusal in refused.items() if leaf not in left_out}
    if any(found["errors"] for found in trial.interpreters):
        status = REFUSES if refused else FAILS
    elif refused or failures:
        status = PARTLY
    else:
        status = FALLS_BACK if left_out else WORKS
    problem = failures[0] if failures else None
    return Outcome(status, problem, _sorted(refused), _sorted(left_out))


def _sorted(refusals: dict[str, Refusal]) -> list[Refusal]:
    return [refusals[module] for module in sorted(refusals)]


def _noted(refused: list[Any]) -> _Noted:
    return {module: (list(chain), text, reason) for module, chain, text, reason in refused}


def _leafs(error: dict[str, Any], noted: _Noted) -> _Noted:
    """Return the refusals that an error reports; if it reports none, all that were noted."""
    found = {
        module: how for module, how in noted.items() if any(how[1] == said or how[1] in said for said in error["texts"])
    }
    if found:
        return found
    for text in error["texts"]:
        if (refused := _core.refused_module(text)) is not None:  # a module that is built into Python
            module, reason = refused
            return {module: ([module], text, reason)}
        if _OUR_TEXT in text:
            module = text.partition(" ")[0]
            return {module: ([module], text, text.partition(_OUR_TEXT)[2].partition(" (/")[0])}
    return dict(noted) if error["type"] in {"ImportError", "NameError", "AttributeError"} else {}


def _refusal(home: dict[str, Any], leaf: str, chain: list[str], text: str, reason: str) -> Refusal:
    if not text or _core.refused_module(text) is not None:  # home has the module itself, and so may know more
        reason = home["reasons"].get(leaf) or reason or "its package does not import it there"
    if (obstacle := _core.known_obstacle(leaf, home["files"].get(leaf, ""))) is not None and obstacle not in reason:
        reason += f"; private copies would not help, because {obstacle}"
    return Refusal(leaf, reason, chain)
