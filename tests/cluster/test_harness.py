"""The harness keeps its promises; every other cluster test relies on them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.cluster.assets import (
    ASSETS_VARIABLE,
    SERVERS,
    AssetsMissingError,
    find_assets,
    find_kubectl,
)
from tests.cluster.fixtures import REQUIRED_VARIABLE
from tests.cluster.server import ApiServer

ROOT = Path(__file__).resolve().parents[2]
RUNNER = [sys.executable, "-m", "tests.cluster.server"]
SELF_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
GADGETS = "/apis/example.test/v1/gadgets"


def gadget_crd() -> dict[str, object]:
    """Return a definition that has nothing to do with the platform."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.test"},
        "spec": {
            "group": "example.test",
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }


def create_gadget(server: ApiServer, namespace: str, name: str) -> None:
    body = {"apiVersion": "example.test/v1", "kind": "Gadget", "metadata": {"name": name}}
    status, answer = server.request(
        "POST", f"/apis/example.test/v1/namespaces/{namespace}/gadgets", body
    )
    assert status == 201, answer


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits for its parent to notice does not."""
    if sys.platform == "linux":
        return process_status(pid).get("State", "Z")[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def process_status(pid: int) -> Mapping[str, str]:
    """Return what the kernel says about a process, or nothing if there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def children_of(parent: int) -> Sequence[int]:
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if process_status(pid).get("PPid") == str(parent)]


def eventually(is_true: Callable[[], bool], timeout: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_the_server_is_ready_with_all_checks(api_server: ApiServer) -> None:
    status, text = api_server.request("GET", "/readyz?verbose")
    assert status == 200
    assert "[+]etcd ok" in text
    assert "[+]poststarthook/rbac/bootstrap-roles ok" in text
    assert "[-]" not in text


def test_the_server_reports_a_release_version(api_server: ApiServer) -> None:
    _, version = api_server.request("GET", "/version")
    assert version["major"] == "1"
    assert version["gitVersion"].startswith(f"v1.{version['minor']}.")


def test_the_admin_is_in_the_masters_group(api_server: ApiServer) -> None:
    _, review = api_server.request("POST", SELF_REVIEW, {})
    assert review["status"]["userInfo"]["username"] == "admin"
    assert "system:masters" in review["status"]["userInfo"]["groups"]


def test_rbac_denies_the_plain_user(api_server: ApiServer, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    assert api_server.request("GET", path)[0] == 200
    status, answer = api_server.request("GET", path, user="plain")
    assert status == 403
    assert answer["message"].startswith('pods is forbidden: User "plain" cannot list resource')


def test_a_client_certificate_is_accepted_and_names_its_user(api_server: ApiServer) -> None:
    certificate = api_server.client_certificate("jane", ["team-a", "team-b"])
    status, review = api_server.request("POST", SELF_REVIEW, {}, certificate=certificate)
    assert status == 201
    assert review["status"]["userInfo"]["username"] == "jane"
    assert {"team-a", "team-b"} <= set(review["status"]["userInfo"]["groups"])


def test_a_wrong_token_gets_401(api_server: ApiServer) -> None:
    status, answer = api_server.request("GET", "/api/v1/namespaces", token="not-a-token")
    assert (status, answer["reason"]) == (401, "Unauthorized")


def test_a_request_without_credentials_is_anonymous(api_server: ApiServer) -> None:
    status, answer = api_server.request("GET", "/api/v1/namespaces", user=None)
    assert status == 403
    assert 'User "system:anonymous"' in answer["message"]


@pytest.fixture(scope="module")
def used_namespaces() -> set[str]:
    """Remember the namespaces that the tests below were given."""
    return set()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_namespace_is_fresh_for_each_test(
    turn: str, api_server: ApiServer, namespace: str, used_namespaces: set[str]
) -> None:
    assert namespace not in used_namespaces
    used_namespaces.add(namespace)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    assert api_server.request("GET", path)[1]["items"] == []
    assert api_server.request("POST", path, {"metadata": {"name": "kept"}})[0] == 201


def test_a_pod_can_be_created_without_any_controller(api_server: ApiServer, namespace: str) -> None:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "web"}]}}
    assert api_server.request("POST", f"/api/v1/namespaces/{namespace}/pods", pod)[0] == 201


def test_installed_resources_can_be_used_at_once(api_server: ApiServer, namespace: str) -> None:
    api_server.install_crds([gadget_crd()])
    create_gadget(api_server, namespace, "one")
    assert api_server.can_watch(GADGETS)
    # Again, as a test does that brings another version of the same definition.
    api_server.install_crds([gadget_crd()])
    create_gadget(api_server, namespace, "two")


def test_a_deleted_namespace_takes_its_custom_resources_with_it(api_server: ApiServer) -> None:
    api_server.install_crds([gadget_crd()])
    name = api_server.create_namespace()
    create_gadget(api_server, name, "one")
    api_server.delete_namespace(name)
    everywhere = api_server.request("GET", GADGETS)[1]["items"]
    assert name not in {item["metadata"]["namespace"] for item in everywhere}
    assert api_server.request("GET", f"/api/v1/namespaces/{name}")[0] == 404


def test_a_watch_can_begin_with_the_objects_that_exist(
    api_server: ApiServer, namespace: str
) -> None:
    api_server.install_crds([gadget_crd()])
    create_gadget(api_server, namespace, "one")
    options = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    path = f"/apis/example.test/v1/namespaces/{namespace}/gadgets?{options}"
    status, events = api_server.request("GET", f"{path}&allowWatchBookmarks=true&timeoutSeconds=1")
    assert status == 200
    added, bookmark = events.splitlines()[:2]
    assert '"type":"ADDED"' in added
    assert '"k8s.io/initial-events-end":"true"' in bookmark


@pytest.mark.parametrize("inline", [True, False])
def test_a_kubeconfig_holds_what_a_client_needs(inline: bool, api_server: ApiServer) -> None:
    path = api_server.kubeconfig("jane", credential="certificate", groups=["a"], inline=inline)
    config = yaml.safe_load(path.read_text())
    assert config["clusters"][0]["cluster"]["server"] == api_server.url
    assert config["contexts"][0]["context"]["namespace"] == "default"
    suffix = "-data" if inline else ""
    user = config["users"][0]["user"]
    assert set(user) == {f"client-certificate{suffix}", f"client-key{suffix}"}
    if not inline:
        certificate = Path(user["client-certificate"]), Path(user["client-key"])
        pair = certificate[0].read_bytes(), certificate[1].read_bytes()
        assert api_server.request("POST", SELF_REVIEW, {}, certificate=pair)[0] == 201


def test_a_restart_keeps_the_data_the_ports_and_the_users(assets: Path) -> None:
    server = ApiServer(assets)
    server.add_user("sam", ["team-a"])
    with server:
        server.install_crds([gadget_crd()])
        create_gadget(server, "default", "kept")
        before = (server.url, server.etcd_endpoint, server.pids["etcd"])
        apiserver = server.pids["kube-apiserver"]

        server.restart_apiserver()

        assert (server.url, server.etcd_endpoint, server.pids["etcd"]) == before
        assert server.pids["kube-apiserver"] != apiserver
        items = server.request("GET", GADGETS)[1]["items"]
        assert [item["metadata"]["name"] for item in items] == ["kept"]
        assert server.request("POST", SELF_REVIEW, {}, user="sam")[0] == 201


def test_forgotten_history_expires_watches_and_continue_tokens(assets: Path) -> None:
    with ApiServer(assets) as server:
        server.install_crds([gadget_crd()])
        for name in ("one", "two", "three"):
            create_gadget(server, "default", name)
        page = server.request("GET", f"{GADGETS}?limit=1")[1]["metadata"]
        create_gadget(server, "default", "four")

        server.forget_history()

        status, answer = server.request("GET", f"{GADGETS}?limit=1&continue={page['continue']}")
        assert (status, answer["reason"]) == (410, "Expired")
        watch = f"{GADGETS}?watch=1&resourceVersion={page['resourceVersion']}&timeoutSeconds=5"
        status, event = server.request("GET", watch)
        assert (status, event["type"], event["object"]["code"]) == (200, "ERROR", 410)


def test_stopping_leaves_no_process_and_no_file_behind(assets: Path) -> None:
    server = ApiServer(assets)
    server.start()
    pids, directory = dict(server.pids), server.directory
    assert set(pids) == {"etcd", "kube-apiserver"}
    assert all(is_running(pid) for pid in pids.values())

    server.stop()

    assert not any(is_running(pid) for pid in pids.values())
    assert not directory.exists()
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's life")
def test_a_killed_parent_leaves_no_process_behind(assets: Path) -> None:
    environment = {**os.environ, ASSETS_VARIABLE: str(assets)}
    with subprocess.Popen(
        RUNNER, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as runner:
        assert runner.stdout is not None
        kubeconfig = Path(runner.stdout.readline().strip())
        try:
            pids = children_of(runner.pid)
            assert len(pids) == 2
        finally:
            runner.send_signal(signal.SIGKILL)
            # A killed process cannot remove its files; the next server would, after a while.
            shutil.rmtree(kubeconfig.parent)
    assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_a_server_that_cannot_start_says_why(assets: Path) -> None:
    server = ApiServer(assets, flags={"no-such-flag": "1"})
    with pytest.raises(Exception, match=r"kube-apiserver ended with code 1.*\n.*no-such-flag"):
        server.start()
    assert not server.pids


def test_the_runner_gives_a_command_its_kubeconfig_and_returns_its_exit_code(
    assets: Path,
) -> None:
    script = "import os; print(open(os.environ['KUBECONFIG']).read()); raise SystemExit(7)"
    done = subprocess.run(
        [*RUNNER, "--", sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, ASSETS_VARIABLE: str(assets)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    config = yaml.safe_load(done.stdout)
    assert config["contexts"][0]["context"]["namespace"] == "default"


def test_an_empty_assets_directory_is_named_in_the_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(AssetsMissingError) as raised:
        find_assets()
    assert f"KUBEBUILDER_ASSETS is {tmp_path}" in str(raised.value)
    assert "no etcd and no kube-apiserver in it" in str(raised.value)


def test_a_named_directory_may_lack_kubectl_and_only_its_tests_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SERVERS:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    assert find_assets() == tmp_path
    with pytest.raises(AssetsMissingError, match=f"no kubectl in {tmp_path}"):
        find_kubectl(tmp_path)


def test_kubectl_is_of_the_servers_release(
    kubectl: Path, api_server: ApiServer, tmp_path: Path
) -> None:
    done = subprocess.run(
        [kubectl, "version", "--output=json"],
        env={"HOME": str(tmp_path), "KUBECONFIG": str(api_server.kubeconfig())},
        capture_output=True,
        text=True,
        check=True,
    )
    versions = json.loads(done.stdout)
    assert versions["clientVersion"]["gitVersion"] == versions["serverVersion"]["gitVersion"]
    assert versions["clientVersion"]["minor"] == versions["serverVersion"]["minor"]


def test_without_assets_and_without_go_the_message_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ASSETS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetsMissingError) as raised:
        find_assets()
    message = str(raised.value)
    assert "KUBEBUILDER_ASSETS is not set" in message
    assert f"nothing is cached for this version in {tmp_path}" in message
    assert "Install Go 1.24 or newer and run `python -m tests.cluster.assets`" in message


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_missing_assets_skip_the_tests_unless_a_cluster_is_required(
    required: str, outcome: str, tmp_path: Path
) -> None:
    environment = {**os.environ, ASSETS_VARIABLE: str(tmp_path), REQUIRED_VARIABLE: required}
    test = f"{__file__}::test_a_wrong_token_gets_401"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout
    assert f"KUBEBUILDER_ASSETS is {tmp_path}" in " ".join(done.stdout.split())
