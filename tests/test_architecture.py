"""The rules of the house that no other tool checks; import-linter's are run here too."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import NetworkClosedError

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dutydesk"
SOURCES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")
}
TREES = {name: ast.parse(source, name) for name, source in SOURCES.items()}

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
VAGUE_NAMES = {"utils", "helpers", "common", "manager", "service", "base", "misc"}
SQL_WORDS = {"select", "update", "insert", "delete", "text", "exists", "union"}
TIME_READERS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
}
# In pieces, so that this file names none of them.
UNNAMED = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry." + "npmjs.org",
    "registry." + "yarnpkg.com",
    "npm" + "mirror.com",
    "tuna." + "tsinghua.edu.cn",
    "/wo" + "rk/",
]


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a file, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{name.name}" for name in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Every call as (line, what it is called on or an empty string, name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name):
                    yield node.lineno, "", name
                case ast.Attribute(value=ast.Name(id=owner), attr=name):
                    yield node.lineno, owner, name
                case ast.Attribute(attr=name):
                    yield node.lineno, "?", name


def offences(
    wrong: Callable[[str, ast.AST], Iterator[str]], *, allowed: Callable[[str], bool] = lambda _name: False
) -> list[str]:
    """Return what *wrong* finds in every file of the package but those that are *allowed* to."""
    return [fault for name, tree in TREES.items() if not allowed(name) for fault in wrong(name, tree)]


def in_bench(name: str) -> bool:
    """The bench holds the product against a bare loop, which does everything by itself."""
    return name.startswith("dutydesk/bench/")


# ----------------------------------------------------------------------------------------------------------------------


def may_a_rule_import(module: str) -> bool:
    top, *rest = module.split(".")
    if top != "dutydesk":
        return top in sys.stdlib_module_names
    of_rules = len(rest) >= 2 and rest[1] == "rules"
    of_the_rulebook = rest[:2] == ["rulebook", "types"]
    return of_rules or of_the_rulebook


def packages_only_named_on_the_way(modules: set[str]) -> set[str]:
    """``from dutydesk.people import rules`` yields the package and the module: the package alone is no import."""
    return {
        module
        for module in modules
        if not any(other.startswith(f"{module}.") for other in modules - {module})
    }


def test_rules_import_the_standard_library_other_rules_and_the_rulebooks_types_only():
    rules = {
        name: tree
        for name, tree in TREES.items()
        if name.endswith(("/rules.py", "_rules.py")) or "/rules/" in name
    }
    assert len(rules) >= 5
    faults = [
        f"{name} imports {module}"
        for name, tree in rules.items()
        for module in packages_only_named_on_the_way(set(imports(tree)))
        if not may_a_rule_import(module)
    ]
    assert faults == []


def test_only_the_clock_reads_the_time():
    def wrong(name: str, tree: ast.AST) -> Iterator[str]:
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=attribute):
                    if (owner, attribute) in TIME_READERS:
                        yield f"{name}:{node.lineno} reads {owner}.{attribute}"
                case ast.ImportFrom(module="time"):
                    named = {alias.name for alias in node.names}
                    yield from (
                        f"{name}:{node.lineno} imports {one}"
                        for one in named
                        if ("time", one) in TIME_READERS
                    )

    assert offences(wrong, allowed=lambda name: name == "dutydesk/clock.py" or in_bench(name)) == []


def test_only_the_database_module_commits():
    def wrong(name: str, tree: ast.AST) -> Iterator[str]:
        yield from (
            f"{name}:{line} commits" for line, owner, call in calls(tree) if owner and call == "commit"
        )

    assert offences(wrong, allowed=lambda name: name == "dutydesk/db.py" or in_bench(name)) == []


def test_sql_is_written_in_queries_only():
    def wrong(name: str, tree: ast.AST) -> Iterator[str]:
        sql = {
            (alias.asname or alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] in {"sqlalchemy", "sqlmodel"}
            for alias in node.names
            if alias.name in SQL_WORDS
        }
        for line, owner, call in calls(tree):
            if (not owner and call in sql) or (
                owner in {"sqlalchemy", "sqlmodel", "sa"} and call in SQL_WORDS
            ):
                yield f"{name}:{line} writes SQL ({call})"

    def allowed(name: str) -> bool:
        sql_files = ("/queries.py", "_queries.py", "/model.py", "dutydesk/db.py", "dutydesk/migrations.py")
        return name.endswith(sql_files) or in_bench(name)

    assert offences(wrong, allowed=allowed) == []


def test_http_clients_appear_only_where_messages_leave_the_house():
    clients = {"twilio", "httpx", "httpx2", "aiohttp", "requests", "urllib3"}
    places = ("dutydesk/alerts/providers/", "dutydesk/wiring", "dutydesk/simulator/", "dutydesk/bench/")

    def wrong(name: str, tree: ast.AST) -> Iterator[str]:
        yield from (f"{name} imports {module}" for module in imports(tree) if module.split(".")[0] in clients)

    assert offences(wrong, allowed=lambda name: name.startswith(places)) == []


def test_every_name_of_a_module_says_what_is_in_it():
    named = {part for name in SOURCES for part in Path(name).with_suffix("").parts}
    assert named & VAGUE_NAMES == set()


def test_no_file_is_longer_than_400_lines():
    long = {name: len(source.splitlines()) for name, source in SOURCES.items()}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_longer_than_60_lines():
    long = {
        f"{name}:{node.lineno} {node.name}": lines
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_nothing_calls_upward():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in names if name and (ROOT / name).is_file()]
    assert len(files) > len(SOURCES)
    contents = {file: file.read_bytes() for file in files}
    found = [
        f"{file.relative_to(ROOT)} names {word}"
        for file, content in contents.items()
        for word in UNNAMED
        if word.encode() in content
    ]
    assert found == []


# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_no_test_reaches_the_network(host):
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as outside, pytest.raises(NetworkClosedError, match=host):
        outside.connect((host, 443))


def test_no_test_asks_for_an_address_of_the_outside():
    import socket

    with pytest.raises(NetworkClosedError, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)
