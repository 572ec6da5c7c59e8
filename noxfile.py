"""The table of contents of development.

`nox` runs everything that can run on this machine, cheapest first; `nox -l` lists the sessions and
`nox -s NAME -- ARGUMENTS` runs one, with the arguments passed on to its main command. Python
versions and dependencies are those of pyproject.toml.
"""

from __future__ import annotations

import os
import shutil
from subprocess import PIPE, run

import nox
from nox.command import CommandFailed
from nox.project import dependency_groups, load_toml, python_versions

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
# A Python version that is not installed is skipped, and the summary at the end says so.
nox.options.error_on_missing_interpreters = False

PYPROJECT = load_toml("pyproject.toml")
PYTHONS = python_versions(PYPROJECT)
# With 1, a missing API server is an error and not a reason to skip; .ci/run sets it.
CLUSTER_REQUIRED = os.environ.get("MATRIXINFER_REQUIRE_CLUSTER") == "1"


def install(session: nox.Session, *groups: str, package: str = "-e.") -> None:
    """Install the package, editable unless said otherwise, with dependency groups."""
    session.install(package, *dependency_groups(PYPROJECT, *groups))


def require_api_server(session: nox.Session) -> None:
    """Find or build etcd and kube-apiserver; skip the session, or fail it, without them."""
    try:
        session.run("python", "-m", "tests.cluster.assets")
    except CommandFailed:
        reason = "there is no API server to test against; the lines above say why"
        if CLUSTER_REQUIRED:
            session.error(reason)
        session.skip(reason)


def switch_on_pyenv_versions() -> None:
    """Let pyenv's `python3.x` answer for every version it has, not only for the global one."""
    if "PYENV_VERSION" in os.environ or shutil.which("pyenv") is None:
        return
    # What is in force stays first, so that a bare `python3` means the same as before.
    queries = (["pyenv", "version-name"], ["pyenv", "versions", "--bare", "--skip-aliases"])
    answers = [run(query, stdout=PIPE, text=True, check=False) for query in queries]  # noqa: S603
    listed = ":".join(answer.stdout for answer in answers).replace("\n", ":")
    names = dict.fromkeys(listed.split(":"))
    os.environ["PYENV_VERSION"] = ":".join(filter(None, names))


switch_on_pyenv_versions()


@nox.session
def lint(session: nox.Session) -> None:
    """Style, import contracts, and whether openapi.yaml is valid OpenAPI."""
    install(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("openapi-spec-validator", "openapi.yaml")


@nox.session
def codegen(session: nox.Session) -> None:
    """Whether the generated code is what openapi.yaml gives, and the generator's own tests."""
    install(session, "codegen", "types")
    session.run("python", "-m", "codegen", "--check")
    session.run("pytest", "tests/codegen", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright, both strict: package, generated code, and users' code (tests/typing)."""
    install(session, "types")
    session.run("mypy", *session.posargs)
    session.run("pyright", *session.posargs)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Unit and property tests, and behaviour on FakeCluster, on every Python that is found."""
    install(session, "test")
    selection = ("-m", "not cluster", "--ignore=tests/codegen", "--ignore=tests/notebook")
    session.run("pytest", *selection, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into site/; a broken link or reference fails. `-- serve` shows it."""
    install(session, "docs")
    # The theme advertises other tools on every run otherwise.
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env=quiet)


@nox.session
def demo(session: nox.Session) -> None:
    """The README's first command, in an environment that has what a user would have installed."""
    session.install(".[cli]")
    session.run("matrixinfer", "demo", *session.posargs)


@nox.session
def notebook(session: nox.Session) -> None:
    """Execute the notebook, compare it, look at it in Chromium; `-- write` renews what is kept."""
    install(session, "test", "notebook")
    if session.posargs == ["write"]:
        session.run("python", "-m", "tests.notebook")
        return
    session.run("pytest", "tests/notebook", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """The behaviour suite, sync and async, on a real etcd and kube-apiserver."""
    install(session, "test")
    require_api_server(session)
    selection = ("-m", "cluster", "--ignore=tests/codegen", "--ignore=tests/notebook")
    session.run("pytest", *selection, *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """The large fault run: 50,000 changes to 2,000 objects with 1,000 faults, in both modes."""
    install(session, "test")
    require_api_server(session)
    size = ("--changes", "50000", "--objects", "2000", "--faults", "1000")
    for mode in ("sync", "async"):
        session.run("python", "-m", "tests.faults.run", *size, "--mode", mode, *session.posargs)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Compare `validate` with the real API server over 3,000 mutated manifests."""
    install(session, "test")
    require_api_server(session)
    session.run("python", "-m", "tests.validation.fuzz", *(session.posargs or ["--mutants=3000"]))


@nox.session(default=False)
def differential(session: nox.Session) -> None:
    """Send 5,000 random requests to the fake API server and to the real one, and compare."""
    install(session, "test")
    require_api_server(session)
    session.run("python", "-m", "tests.fake.fuzz", *(session.posargs or ["--operations=5000"]))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure against the floors and other clients, in one interleaved run, as ratios."""
    install(session, "test", "bench")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(default=False)
def drift(session: nox.Session) -> None:
    """Compare openapi.yaml with CRDs: `-- --crds DIRECTORY`, else with the current cluster."""
    install(session, "codegen")
    session.run("python", "-m", "codegen", "drift", *session.posargs)
