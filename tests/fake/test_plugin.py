"""The fixtures, in test runs of a user's."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

_PLUGIN = "matrixinfer_client.testing.plugin"


# The plugins of others that are installed beside this one; each takes a while to import.
_OTHERS = ("-p", "no:hypothesispytest", "-p", "no:respx", "-p", "no:anyio")


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where modules are compiled to, which only the first run has to wait for."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture(autouse=True)
def users_environment(bytecode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode))


def run(
    pytester: pytest.Pytester, source: str, *arguments: str, others: Sequence[str] = _OTHERS
) -> pytest.RunResult:
    """Run a user's test file, in a process of its own, as strictly as can be."""
    pytester.makepyfile(source)
    pytester.makeini("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *others, *arguments, timeout=100)


_MODEL = """
import pytest

MODEL = {
    "metadata": {"name": "demo"},
    "spec": {
        "backends": [
            {
                "name": "b1",
                "type": "vLLM",
                "modelURI": "hf://org/model",
                "cacheURI": "hostpath:///cache",
                "minReplicas": 1,
                "maxReplicas": 1,
                "workers": [
                    {"type": "server", "image": "e", "replicas": 1, "pods": 1, "config": {}}
                ],
            }
        ]
    },
}
OBJECT = {"apiVersion": "registry.matrixinfer.ai/v1alpha1", "kind": "Model", **MODEL}
"""


def test_it_is_there_wherever_the_package_is_installed() -> None:
    found = {each.name: each.value for each in entry_points(group="pytest11")}
    assert found["matrixinfer"] == _PLUGIN


def test_a_test_gets_a_cluster_and_a_client(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        _MODEL
        + """
def test_it(fake_cluster, fake_client):
    fake_client.registry_v1alpha1.models().create(MODEL)
    assert [str(action) for action in fake_cluster.actions] == ["create models default/demo: 201"]
""",
    )
    result.assert_outcomes(passed=1)


def test_each_test_has_its_own_cluster_which_ends_with_it(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        _MODEL
        + """
seen = []

@pytest.mark.parametrize("number", [1, 2])
def test_it(fake_cluster, fake_client, number):
    assert len(fake_client.registry_v1alpha1.models().list()) == 0
    fake_client.registry_v1alpha1.models().create(MODEL)
    assert all(repr(each) == "FakeCluster(closed)" for each in seen)
    seen.append(fake_cluster)
""",
    )
    result.assert_outcomes(passed=2)


def test_the_asynchronous_client_works_with_plain_asyncio_and_with_anyio(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        _MODEL
        + """
import asyncio

def test_plain(fake_cluster, async_fake_client):
    async def twice():
        models = async_fake_client.registry_v1alpha1.models()
        await models.create({**MODEL, "metadata": {"generateName": "m-"}})
    asyncio.run(twice())
    asyncio.run(twice())
    assert len(fake_cluster.actions) == 2

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_anyio(fake_cluster, async_fake_client):
    await async_fake_client.registry_v1alpha1.models().create(MODEL)
    assert len(fake_cluster.actions) == 1

@pytest.mark.anyio
async def test_a_watch_that_is_left_open(async_fake_client):
    events = async_fake_client.registry_v1alpha1.models().watch()
    task = asyncio.create_task(anext(events))
    await async_fake_client.registry_v1alpha1.models().create(MODEL)
    assert (await task).object.name == "demo"
""",
        others=_OTHERS[:-2],
    )
    result.assert_outcomes(passed=3)


def test_a_marker_says_what_the_cluster_is_made_with(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        _MODEL
        + """
pytestmark = pytest.mark.fake_cluster(OBJECT, seed=5)

@pytest.mark.fake_cluster(simulate={"speed": 20})
def test_it(fake_cluster, fake_client):
    assert fake_cluster.seed == 5
    fake_client.registry_v1alpha1.models().wait_for("demo", "Ready", timeout=60)

@pytest.mark.fake_cluster(seed=6)
def test_the_nearest_marker_wins(fake_cluster, fake_client):
    assert fake_cluster.seed == 6
    assert fake_client.registry_v1alpha1.models().get("demo").name == "demo"
""",
    )
    result.assert_outcomes(passed=2)


def test_a_wrong_marker_is_an_error_that_says_so(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        _MODEL
        + """
@pytest.mark.fake_cluster(simulated=True)
def test_it(fake_cluster):
    pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*unexpected keyword argument 'simulated'*"])


def test_a_failed_test_shows_the_seed(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(fake_cluster): assert not fake_cluster.seed")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r".*FakeCluster setup.*", r"seed=\d+"])


def test_fixtures_and_marker_are_listed(pytester: pytest.Pytester) -> None:
    result = run(pytester, "", "--fixtures")
    names = ["fake_cluster --*", "fake_client --*", "async_fake_client --*"]
    result.stdout.fnmatch_lines_random(names)
    result = run(pytester, "", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.fake_cluster(*simulate=False*"])


def test_who_does_not_use_it_imports_nothing_but_the_plugin(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
import sys

def test_it():
    ours = sorted(name for name in sys.modules if name.startswith("matrixinfer"))
    assert ours == [
        "matrixinfer_client",
        "matrixinfer_client.testing",
        "matrixinfer_client.testing.plugin",
    ]
    assert "httpx" not in sys.modules
    assert "attrs" not in sys.modules
""",
    )
    result.assert_outcomes(passed=1)


def test_twenty_tests_take_no_time(pytester: pytest.Pytester) -> None:
    source = (
        _MODEL
        + """
import asyncio
from matrixinfer_client import ConflictError, NotFoundError, Retries
from matrixinfer_client.testing import conflict

@pytest.mark.parametrize("number", range(10))
def test_blocking(fake_cluster, fake_client, number):
    models = fake_client.registry_v1alpha1.models()
    model = models.create(MODEL)
    model.spec.owner = "anna"
    models.update(model)
    assert models.get("demo").spec.owner == "anna"
    models.delete("demo")
    with pytest.raises(NotFoundError):
        models.get("demo")
    assert len(fake_cluster.actions) == 5

@pytest.mark.parametrize("number", range(10))
def test_asynchronous(fake_cluster, async_fake_client, number):
    fake_cluster.inject(conflict(), verb="update")
    async def steps():
        models = async_fake_client.registry_v1alpha1.models()
        model = await models.create(MODEL)
        with pytest.raises(ConflictError):
            await models.update(model)
    asyncio.run(steps())
"""
    )
    run(pytester, source).assert_outcomes(passed=20)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = run(pytester, source)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result.assert_outcomes(passed=20)
    (seconds,) = re.findall(r"20 passed.* in ([\d.]+)s", result.stdout.str())
    # The whole process, start and imports included. Two seconds of the clock are what is promised;
    # where other programs have the processors, its own work is what can be measured.
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert float(seconds) < 2 or worked < 3


def test_it_can_be_switched_off(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(fake_cluster): pass", "-p", "no:matrixinfer")
    result.assert_outcomes(errors=1)


def test_the_plugin_is_a_module_that_pytest_can_be_given() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:matrixinfer", "-p", _PLUGIN, "--markers"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "fake_cluster(" in result.stdout
