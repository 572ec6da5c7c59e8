"""The names people import: complete, documented, cheap, and the same in both modes."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import matrixinfer_client
from matrixinfer_client import config, connection, resources
from matrixinfer_client.api import clientset

PACKAGE = Path(matrixinfer_client.__file__).parent


def order(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that the linter keeps lists of names in."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def imported_for_type_checkers() -> set[str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in blocks[0].body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def attribute_docstrings(module: ModuleType) -> dict[str, str]:
    """The string literals below module-level assignments: the docstrings of constants."""
    body = ast.parse(inspect.getsource(module)).body
    found: dict[str, str] = {}
    for node, following in itertools.pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else ()
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found.update(dict.fromkeys(names, str(following.value.value)))
    return found


def test_the_public_names_are_sorted_and_each_is_there_once() -> None:
    names = matrixinfer_client.__all__
    assert list(names) == sorted(set(names), key=order)


def test_the_public_names_are_those_that_type_checkers_see() -> None:
    assert {*matrixinfer_client.__all__} - {"__version__"} == imported_for_type_checkers()


@pytest.mark.parametrize("name", matrixinfer_client.__all__)
def test_each_public_name_exists(name: str) -> None:
    assert getattr(matrixinfer_client, name) is not None
    assert name in dir(matrixinfer_client)


@pytest.mark.parametrize("name", [n for n in matrixinfer_client.__all__ if n != "__version__"])
def test_each_public_name_says_what_it_is(name: str) -> None:
    value = getattr(matrixinfer_client, name)
    if name.isupper():
        home = importlib.import_module(f"matrixinfer_client.{matrixinfer_client._HOMES[name]}")
        text = attribute_docstrings(home).get(name, "")
    else:
        # Not inherited: the docstring of a base class says what the base class is.
        text = vars(value).get("__doc__") or "" if inspect.isclass(value) else value.__doc__ or ""
    assert len(text.split()) >= 4, f"{name}: {text!r}"


@pytest.mark.parametrize(
    "cls",
    [
        matrixinfer_client.Client,
        matrixinfer_client.Connection,
        matrixinfer_client.Resource,
        matrixinfer_client.RegistryV1alpha1,
        matrixinfer_client.AsyncClient,
        matrixinfer_client.AsyncResource,
        matrixinfer_client.AsyncRegistryV1alpha1,
    ],
)
def test_each_public_method_says_what_it_does(cls: type) -> None:
    silent = [name for name, value in public_members(cls).items() if not inspect.getdoc(value)]
    assert silent == []


def test_every_error_of_the_tree_is_public() -> None:
    from matrixinfer_client import errors

    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.MatrixInferError)
    }
    assert classes <= {*matrixinfer_client.__all__}


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="'Clint'"):
        _ = getattr(matrixinfer_client, "Clint")  # noqa: B009 - checkers know that it is wrong


def test_the_version_is_that_of_the_distribution() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", matrixinfer_client.__version__)


# What a program imports before it does anything.

FORBIDDEN = ("aiohttp", "httpx", "httpx_aiohttp", "kubernetes", "yaml")


@pytest.mark.parametrize(
    "statement",
    [
        "import matrixinfer_client",
        "from matrixinfer_client import Client, RegistryV1alpha1",
        "from matrixinfer_client import AsyncClient, AsyncRegistryV1alpha1",
        "from matrixinfer_client import NotFoundError, Retries, load_config",
        "from matrixinfer_client.api.registry_v1alpha1 import Model, ModelBackend, ModelSpec",
    ],
)
def test_importing_loads_no_http_library_and_no_yaml(statement: str) -> None:
    assert loaded_by(statement) & {*FORBIDDEN} == set()


def test_importing_the_package_loads_nothing_of_its_own() -> None:
    assert {name for name in loaded_by("import matrixinfer_client") if "matrixinfer" in name} == {
        "matrixinfer_client"
    }


def test_importing_one_kind_does_not_load_the_pod_tree() -> None:
    loaded = loaded_by("from matrixinfer_client.api.registry_v1alpha1 import Model")
    assert "matrixinfer_client.api.registry_v1alpha1.model" in loaded
    assert not [name for name in loaded if "core_v1." in name]


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement imports in a fresh interpreter."""
    code = f"import sys; before = {{*sys.modules}}\n{statement}\nprint(*{{*sys.modules}} - before)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {*done.stdout.split()}


# Both modes have the same methods with the same arguments.

PAIRS = [
    (matrixinfer_client.Client, matrixinfer_client.AsyncClient),
    (matrixinfer_client.Connection, matrixinfer_client.AsyncConnection),
    (matrixinfer_client.Resource, matrixinfer_client.AsyncResource),
    (connection.GroupClient, connection.AsyncGroupClient),
    *(
        (value, getattr(clientset, f"Async{name}"))
        for name, value in vars(clientset).items()
        if inspect.isclass(value) and hasattr(clientset, f"Async{name}")
    ),
]


@pytest.mark.parametrize(("sync", "other"), PAIRS, ids=lambda cls: cls.__name__)
def test_both_modes_have_the_same_methods_with_the_same_arguments(sync: type, other: type) -> None:
    ours, theirs = public_members(sync), public_members(other)
    assert sorted(ours) == sorted(theirs)
    for name in ours:
        assert normalized(ours[name]) == normalized(theirs[name]), f"{sync.__name__}.{name}"
    assert normalized(vars(sync).get("__init__")) == normalized(vars(other).get("__init__"))


def test_every_group_client_has_a_twin() -> None:
    names = {name for name, value in vars(clientset).items() if inspect.isclass(value)}
    own = {name for name in names if name.endswith(("V1alpha1", "Clientset"))}
    assert {name for name in own if not name.startswith("Async")} == {
        name.removeprefix("Async") for name in own if name.startswith("Async")
    }
    assert len(own) >= 8


def public_members(cls: type) -> dict[str, Any]:
    return {
        name: inspect.getattr_static(cls, name) for name in dir(cls) if not name.startswith("_")
    }


def normalized(member: Any) -> object:
    """A signature without what differs between the modes for a reason."""
    if isinstance(member, property):
        member = member.fget
    if not callable(member):
        return type(member)
    signature = inspect.signature(member)
    return [
        (parameter.name, parameter.kind, parameter.default, without_mode(parameter.annotation))
        for parameter in signature.parameters.values()
    ] + [without_mode(signature.return_annotation)]


def without_mode(annotation: object) -> str:
    # A user's function may return an awaitable in asynchronous code.
    text = re.sub(r"( \| )?Awaitable\[[^\[\]]*\]", "", str(annotation))
    return re.sub(r"\bAsync", "", text)


# The HTTP library is a detail.


def hints(value: object) -> Iterator[tuple[str, str]]:
    for name, member in inspect.getmembers(value):
        if (not name.startswith("_") or name == "__init__") and callable(member):
            for parameter, text in getattr(member, "__annotations__", {}).items():
                yield f"{name}({parameter})", str(text)


@pytest.mark.parametrize("module", [matrixinfer_client, config, connection, resources, clientset])
def test_no_type_of_the_http_libraries_is_public_but_for_the_transport(module: ModuleType) -> None:
    places = {
        f"{name}.{place}"
        for name in [*getattr(module, "__all__", vars(module))]
        for place, text in hints(getattr(module, name))
        if "httpx" in text or "aiohttp" in text
    }
    assert {place for place in places if not place.endswith("__init__(transport)")} == set()


def test_no_public_method_takes_arbitrary_keywords() -> None:
    for cls in [cls for pair in PAIRS for cls in pair]:
        for name, member in public_members(cls).items():
            if callable(member):
                kinds = {p.kind for p in inspect.signature(member).parameters.values()}
                assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{cls.__name__}.{name}"
