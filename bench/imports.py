"""What it costs to begin: imports, a cold start, and the space on disk."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import attrs

from bench import data
from bench.contenders import kubeconfig

_OURS = """
from matrixinfer_client import Client, RegistryV1alpha1
from matrixinfer_client.api.registry_v1alpha1 import Model
"""
_COLD = _OURS + "Client().registry_v1alpha1.models('default').get('model-000001').metadata.name\n"
_FLOOR = f"""
import os, httpx, msgspec, yaml
config = yaml.load(open(os.environ["KUBECONFIG"]), yaml.CSafeLoader)
class Metadata(msgspec.Struct):
    name: str
class Model(msgspec.Struct):
    metadata: Metadata
headers = {{"authorization": "Bearer " + config["users"][0]["user"]["token"]}}
url = config["clusters"][0]["cluster"]["server"] + "{data.COLLECTION}/model-000001"
with httpx.Client(headers=headers) as client:
    msgspec.json.decode(client.get(url).content, type=Model).metadata.name
"""
_LIGHTKUBE = """
from lightkube import Client
from lightkube.generic_resource import create_namespaced_resource
"""


@attrs.frozen
class Extra:
    """A row with a way of its own to be measured."""

    name: str
    what: str
    unit: str
    budgets: dict[str, float]
    measure: Callable[[int], dict[str, float]]


def _fresh(snippets: dict[str, str], rounds: int, environment: dict[str, str]) -> dict[str, float]:
    """Milliseconds of a fresh interpreter beyond an empty one; medians, taking turns."""
    results: dict[str, list[float]] = {name: [] for name in ("", *snippets)}
    for _ in range(5 * rounds):
        for name, code in (("", "pass"), *snippets.items()):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            results[name].append((time.perf_counter() - started) * 1000)
    base = statistics.median(results.pop(""))
    return {name: statistics.median(values) - base for name, values in results.items()}


def _size() -> dict[str, float]:
    """MiB and number of the packages that an installation without extras brings."""
    seen: dict[str, int] = {}
    todo = ["matrixinfer-client"]
    while todo:
        name = todo.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        key = package.metadata["Name"].lower().replace("_", "-")
        if key in seen:
            continue
        files = [Path(str(package.locate_file(file))) for file in package.files or ()]
        seen[key] = sum(file.stat().st_size for file in files if file.is_file())
        todo += [
            requirement.split(";")[0]
            .split("[")[0]
            .split("<")[0]
            .split(">")[0]
            .split("=")[0]
            .strip()
            for requirement in package.requires or ()
            if "extra ==" not in requirement
        ]
    seen["matrixinfer-client"] = sum(
        file.stat().st_size for file in Path("matrixinfer_client").rglob("*") if file.is_file()
    )
    print(f"\ninstalled packages: {', '.join(sorted(seen))}")
    return {"ours": sum(seen.values()) / 2**20, "budget of 30 MiB": 30.0}


def rows(url: str, folder: str) -> list[Extra]:
    """The rows of this module."""
    # As installed: byte code is there, whatever this shell says about writing it.
    environment = {**os.environ, "KUBECONFIG": kubeconfig(url), "PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    imports = {
        "ours": _OURS,
        "import httpx": "import httpx",
        "import lightkube": _LIGHTKUBE,
        "import kubernetes": "from kubernetes import client, config",
    }
    cold = {"ours": _COLD, "httpx + msgspec + yaml by hand": _FLOOR}
    return [
        Extra(
            "import",
            "import Client, RegistryV1alpha1 and Model",
            "ms",
            {"import httpx": 1.5},
            lambda rounds: _fresh(imports, rounds, environment),
        ),
        Extra(
            "cold",
            "cold process to the first decoded object, kubeconfig included",
            "ms",
            {"httpx + msgspec + yaml by hand": 1.3},
            lambda rounds: _fresh(cold, rounds, environment),
        ),
        Extra(
            "size",
            "installed size, without extras",
            "MiB",
            {"budget of 30 MiB": 1.0},
            lambda _: _size(),
        ),
    ]
