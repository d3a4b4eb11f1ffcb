"""The house's gates: sizes, docstring-only packages, doors, typed functions, import cycles."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("recommender", "swarm", "platform_adapters", "api")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400

DOORS = {
    "opendp": ("recommender/release/noise.py",),
    "sklearn": ("recommender/statistics/text.py",),
    "implicit": ("recommender/baselines/",),
    "libp2p": ("swarm/transport",),
    "multiaddr": ("swarm/transport",),
    "sqlalchemy": ("api/store/", "platform_adapters/readers/database.py"),
    "alembic": ("api/store/",),
    "pandas": ("platform_adapters/readers/", "platform_adapters/training_sets.py", "api/cli/"),
    "pyarrow": ("platform_adapters/readers/", "platform_adapters/training_sets.py", "api/cli/"),
    "cbor2": ("swarm/codec.py",),
    "msgspec": ("platform_adapters/contract.py",),
    "torch": ("recommender/network/",),
    "opacus": ("recommender/network/private.py",),
}
"""One door per big library: which files may import it."""

SANS_IO = (
    "swarm/consensus/",
    "swarm/merge/",
    "swarm/ledger/",
    *(
        f"swarm/{name}.py"
        for name in (
            "boot",
            "changes",
            "codec",
            "desk",
            "events",
            "heights",
            "known",
            "node",
            "pool",
            "protocol",
            "receive",
            "rounds",
            "signing",
            "state",
            "sync",
            "views",
        )
    ),
)
FORBIDDEN_IN_CORE = {
    "asyncio",
    "io",
    "libp2p",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "time",
    "torch",
    "trio",
}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def _functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    has_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_and_its_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    long = [f.name for f in _functions(_tree(path)) if _body_lines(f) > MAX_FUNCTION_LINES]
    assert long == []


def test_half_of_the_formats_files_are_shorter_than_sixty_lines() -> None:
    files = [path for path in SOURCES if _name(path).startswith("platform_adapters/formats/")]
    declared = [path for path in files if path.name != "__init__.py"]
    assert median(len(path.read_text(encoding="utf-8").splitlines()) for path in declared) < 60


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_function_is_typed(path: Path) -> None:
    untyped = []
    for function in _functions(_tree(path)):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        missing = [
            a.arg for a in arguments if a.annotation is None and a.arg not in {"self", "cls"}
        ]
        if missing or function.returns is None:
            untyped.append(function.name)
    assert untyped == []


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_big_library_has_one_door(path: Path) -> None:
    name = _name(path)
    for imported in _imports(_tree(path)):
        doors = DOORS.get(imported.split(".")[0])
        assert doors is None or name.startswith(doors), f"{name} imports {imported}"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if _name(path).startswith(SANS_IO)], ids=_name
)
def test_the_protocol_core_does_no_input_or_output(path: Path) -> None:
    tree = _tree(path)
    assert not {name.split(".")[0] for name in _imports(tree)} & FORBIDDEN_IN_CORE
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Await, ast.AsyncWith))]


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name == "__init__.py"], ids=_name
)
def test_a_package_file_holds_a_docstring_and_nothing_else(path: Path) -> None:
    body = _tree(path).body
    assert len(body) == 1
    assert ast.get_docstring(_tree(path))


def test_no_module_imports_itself_in_a_circle() -> None:
    modules = {_name(path)[: -len(".py")].replace("/", "."): path for path in SOURCES}
    edges: dict[str, set[str]] = defaultdict(set)
    for module, path in modules.items():
        for node in _run_time_statements(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                candidates = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
                edges[module] |= {name for name in candidates if name in modules}
    assert _circle(edges) == []


def _run_time_statements(tree: ast.Module) -> list[ast.stmt]:
    """Module-level statements, leaving out `if TYPE_CHECKING` and function bodies."""
    return [node for node in tree.body if not isinstance(node, ast.If)]


def _circle(edges: dict[str, set[str]]) -> list[str]:
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        path.append(module)
        for target in sorted(edges.get(module, ())):
            if found := visit(target):
                return found
        path.pop()
        done.add(module)
        return []

    for module in sorted(edges):
        if found := visit(module):
            return found
    return []
