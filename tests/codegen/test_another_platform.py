"""Documents of other platforms: what is generated from them is imported, used and type-checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codegen.output import write
from codegen.render import HEADER
from tests.codegen.cases import cases, of_case

ROOT = Path(__file__).parent.parent.parent

# What a user of the generated client writes. It is type-checked and run.
USAGE = """\
from typing import assert_type

import httpx
from enums.choices_v1 import Port, Protocol
from matrixinfer_client.config import Config
from maps.maps_v1 import Leaf, Maps
from shadows.shadows_v1 import Shadows
from shared_types import KINDS
from shared_types.clientset import AsyncClientset, Clientset, GadgetsV2beta1
from shared_types.gadgets_v2beta1 import GearBox, Hose, HTTPPump, HTTPPumpList, PumpSpec, Tooth
from shared_types.meta_v1 import ObjectMeta

requests: list[str] = []
PUMP = {
    "apiVersion": "gadgets.example.com/v2beta1",
    "kind": "HTTPPump",
    "metadata": {"name": "p", "namespace": "garage"},
    "spec": {"hose": {"length": 3, "color": "red"}, "teeth": [{"side": "left"}]},
}


def answer(request: httpx.Request) -> httpx.Response:
    requests.append(f"{request.method} {request.url.path}")
    if request.url.path.endswith("/gearboxes/g"):
        return httpx.Response(200, json={"kind": "GearBox", "metadata": {"name": "g"}, "spec": {}})
    return httpx.Response(200, json=PUMP)


def use(client: Clientset) -> None:
    pumps = client.gadgets_v2beta1.http_pumps("garage")
    pump = assert_type(pumps.get("p"), HTTPPump)
    teeth = assert_type(pump.spec.teeth, list[Tooth] | None)
    assert teeth is not None and teeth[0].side == "left"
    assert assert_type(pump.spec.hose.length, int | None) == 3
    assert pump.to_dict() == PUMP
    box = assert_type(client.gadgets_v2beta1.gear_boxes().get("g"), GearBox)
    assert box.metadata.name == "g"
    made = HTTPPump(metadata=ObjectMeta(name="p"), spec=PumpSpec(hose=Hose(length=3)))
    pumps.create(made)
    base = "/apis/gadgets.example.com/v2beta1"
    assert requests == [
        f"GET {base}/namespaces/garage/httppumps/p",
        f"GET {base}/gearboxes/g",
        f"POST {base}/namespaces/garage/httppumps",
    ], requests


async def use_async(client: AsyncClientset) -> None:
    assert_type(await client.gadgets_v2beta1.http_pumps().list(), HTTPPumpList)


config = Config(server="https://cluster.example.com")
with Clientset(config, transport=httpx.MockTransport(answer)) as client:
    assert_type(client.gadgets_v2beta1, GadgetsV2beta1)
    use(client)

kind = HTTPPump.KIND
assert kind.namespaced and not GearBox.KIND.namespaced
assert kind.subresources == ("scale", "status") and GearBox.KIND.subresources == ()
assert HTTPPumpList.KIND is kind
assert KINDS["gadgets.example.com/v2beta1", "HTTPPump"] == (
    "shared_types.gadgets_v2beta1.http_pump:HTTPPump"
)
maps = Maps.from_dict({"labels": {"aB": "c"}, "leaves": {"x": {"name": "y"}}, "any": [1]})
assert maps.leaves == {"x": Leaf(name="y")}
assert maps.to_dict() == {"labels": {"aB": "c"}, "leaves": {"x": {"name": "y"}}, "any": [1]}
values = {"list": ["a"], "dict": {"b": "c"}, "someTimes": ["2024-01-01T00:00:00Z"], "wire": "w"}
shadows = Shadows.from_dict(values)
assert shadows.some_times is not None and shadows.some_times[0].year == 2024
assert shadows.to_dict() == values
protocol: Protocol = "TCP"
assert Port(engine="vLLM", protocol=protocol).to_dict() == {"engine": "vLLM", "protocol": "TCP"}
print("used")
"""

# Each line is an error for both type checkers, on a line of its own.
MISUSE = """\
from enums.choices_v1 import Port
from shared_types.gadgets_v2beta1 import Hose, HTTPPump, Teeth
from shared_types.meta_v1 import ObjectMeta

Port(engine="TGI")
Hose(lenght=3)
HTTPPump(metadata=ObjectMeta())
Hose().spec
"""
WRONG_LINES = {2, 5, 6, 7, 8}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a package for every golden case."""
    root = tmp_path_factory.mktemp("platforms")
    for case in cases():
        write(of_case(case), root / case.replace("-", "_"), HEADER)
    (root / "usage.py").write_text(USAGE, encoding="utf-8")
    settings = {
        "include": [*(case.replace("-", "_") for case in cases()), "usage.py", "misuse.py"],
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
    }
    (root / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return root


def python(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(place), str(ROOT)])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": paths, "MYPYPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def mypy(place: Path, *files: str) -> subprocess.CompletedProcess[str]:
    # Silent about what is imported: the package itself is checked elsewhere.
    options = ("--strict", "--python-version=3.11", "--follow-imports=silent", "--cache-dir=.mypy")
    return python(place, "-m", "mypy", *options, *files)


def test_a_client_for_another_platform_works(place: Path) -> None:
    done = python(place, "-W", "error", "usage.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "used\n", "")


def test_every_generated_module_can_be_imported(place: Path) -> None:
    modules = [
        ".".join(path.relative_to(place).with_suffix("").parts)
        for case in cases()
        for path in (place / case.replace("-", "_")).rglob("*.py")
        if path.stem != "__init__"
    ]
    assert len(modules) > 20
    done = python(place, "-W", "error", "-c", "\n".join(f"import {name}" for name in modules))
    assert (done.returncode, done.stderr) == (0, "")


def test_an_import_pays_only_for_what_it_names(place: Path) -> None:
    program = (
        "import sys; from lazy_imports.lamps_v1 import Lamp, LampSpec\n"
        "LampSpec.from_dict({})\n"
        "before = {m for m in sys.modules if m.startswith('lazy_imports.')}\n"
        "LampSpec.from_dict({'plug': {'pins': 3}})\n"
        "after = {m for m in sys.modules if m.startswith('lazy_imports.')} - before\n"
        "print(*sorted(before)); print(*sorted(after))"
    )
    assert python(place, "-c", program).stdout.splitlines() == [
        "lazy_imports.lamps_v1 lazy_imports.lamps_v1.lamp",
        "lazy_imports.mains_v1 lazy_imports.mains_v1.common",
    ]


def test_a_door_lists_its_names_and_knows_no_others(place: Path) -> None:
    program = (
        "import lazy_imports.core_v1 as door\n"
        "print(dir(door), door.__all__)\n"
        "try: door.Bulp\n"
        "except AttributeError as error: print('no', 'Bulp' in str(error))"
    )
    both = "['Bulb', 'Filament'] ['Bulb', 'Filament']\nno True\n"
    assert python(place, "-c", program).stdout == both


def test_mypy_finds_nothing_in_what_is_generated_and_in_its_use(place: Path) -> None:
    done = mypy(place, "usage.py", *(case.replace("-", "_") for case in cases()))
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_nothing_in_what_is_generated_and_in_its_use(place: Path) -> None:
    (place / "misuse.py").unlink(missing_ok=True)
    done = python(place, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable)
    found = json.loads(done.stdout)
    assert found["generalDiagnostics"] == []
    assert found["summary"]["filesAnalyzed"] > 20


def test_misuse_is_found_by_both_type_checkers(place: Path) -> None:
    (place / "misuse.py").write_text(MISUSE, encoding="utf-8")
    lines = mypy(place, "misuse.py").stdout.splitlines()
    assert {int(line.split(":")[1]) for line in lines if ": error: " in line} == WRONG_LINES
    command = ("-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "misuse.py")
    found = json.loads(python(place, *command).stdout)["generalDiagnostics"]
    assert {one["range"]["start"]["line"] + 1 for one in found} == WRONG_LINES
