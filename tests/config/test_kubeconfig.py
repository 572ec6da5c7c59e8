"""Which files are read, how they merge, and what is said about mistakes in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrixinfer_client.config import Config, StaticToken, TokenFile, from_kubeconfig
from matrixinfer_client.config.kubeconfig import Paths
from matrixinfer_client.errors import ConfigError, CredentialError
from tests.config.conftest import Write
from tests.config.kubeconfigs import SERVER, document, text
from tests.config.pki import Authority

TOKEN = {"token": "abc"}


def _authorization(config: Config) -> str | None:
    assert config.credentials is not None
    return config.credentials.fetch().authorization


def _error(path: Path | str | None, context: str | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        from_kubeconfig(path, context)
    return str(caught.value)


def test_without_arguments_the_file_in_the_home_directory_is_read(home: Path, write: Write) -> None:
    path = write("home/.kube/config", text(TOKEN))
    config = from_kubeconfig()
    assert config.server == SERVER
    assert config.source == f'context "dev" of {path}'
    assert config.context == "dev"


def test_the_environment_variable_comes_before_the_home_directory(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("home/.kube/config", text(TOKEN, name="home"))
    path = write("other", text(TOKEN, name="other"))
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert from_kubeconfig().context == "other"


def test_missing_files_and_empty_entries_of_the_variable_are_skipped(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("there", text(TOKEN))
    entries = ["", str(tmp_path / "absent"), "", str(path)]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(entries))
    assert from_kubeconfig().source == f'context "dev" of {path}'


def test_an_empty_variable_counts_as_not_set(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("home/.kube/config", text(TOKEN, name="home"))
    monkeypatch.setenv("KUBECONFIG", "")
    assert from_kubeconfig().context == "home"


def test_a_variable_that_names_only_missing_files_is_an_error_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    expected = f"no kubeconfig: KUBECONFIG names {tmp_path / 'absent'}, which does not exist"
    assert _error(None) == expected


def test_a_file_that_is_passed_must_exist(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert _error(absent) == f"kubeconfig {absent} cannot be read: no such file or directory"


def test_a_path_may_begin_with_a_tilde(write: Write) -> None:
    write("home/clusters/dev", text(TOKEN))
    assert from_kubeconfig("~/clusters/dev").server == SERVER


def test_several_files_may_be_passed_as_a_list_or_as_one_string(write: Write) -> None:
    one, two = write("one", text(TOKEN)), write("two", text(TOKEN, name="second"))
    ways: list[Paths] = [[one, str(two)], f"{one}{os.pathsep}{two}"]
    for paths in ways:
        assert from_kubeconfig(paths, "second").context == "second"
        assert from_kubeconfig(paths).context == "dev"


@pytest.mark.parametrize("nothing", [[], "", os.pathsep])
def test_no_file_at_all_is_an_error_and_not_the_default_file(nothing: str | list[str]) -> None:
    with pytest.raises(ConfigError, match="names no file"):
        from_kubeconfig(nothing)


def test_of_two_entries_with_one_name_the_first_wins_as_a_whole(write: Write) -> None:
    first = write("first", text(TOKEN, {"server": "https://first"}))
    second = write(
        "second",
        text(
            {"token": "second", "as": "somebody"},
            {"server": "https://second", "tls-server-name": "second"},
            {"namespace": "second"},
        ),
    )
    config = from_kubeconfig([first, second])
    assert (config.server, config.tls_server_name, config.namespace) == (
        "https://first",
        None,
        "default",
    )
    assert config.impersonate is None
    assert _authorization(config) == "Bearer abc"


def test_the_first_current_context_wins_even_if_a_later_file_defines_it(write: Write) -> None:
    first = write("first", "current-context: dev\n")
    second = write("second", text(TOKEN, name="other"))
    third = write("third", text(TOKEN))
    assert from_kubeconfig([first, second, third]).context == "dev"


def test_relative_paths_belong_to_the_file_that_holds_them(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write("b/secret/token", "from-b")
    first = write("a/config", text(name="a"))
    second = write("b/config", text({"tokenFile": "secret/token"}, name="b"))
    monkeypatch.chdir(tmp_path / "a")
    config = from_kubeconfig([first, Path("../b/config")], "b")
    assert isinstance(config.credentials, TokenFile)
    assert Path(config.credentials.path) == second.parent / "secret" / "token"
    assert _authorization(config) == "Bearer from-b"


@pytest.mark.parametrize(
    "written", ["0123456789", "1e9", "2024-01-01", "0x1F", "1_000", "190:20:30", ".5", "yes", "No"]
)
def test_a_token_stays_the_text_that_was_written(written: str, write: Write) -> None:
    path = write("config", text({"token": "PLACE"}).replace("PLACE", written))
    assert _authorization(from_kubeconfig(path)) == f"Bearer {written}"


@pytest.mark.parametrize("written", ["true", "[a]", "{a: b}"])
def test_a_token_of_another_type_is_an_error(written: str, write: Write) -> None:
    path = write("config", text({"token": "PLACE"}).replace("PLACE", written))
    assert _error(path) == f'user "dev" in {path}: token must be a string; put it in quotes'


@pytest.mark.parametrize(
    ("written", "expected"), [("true", True), ("yes", True), ("off", False), ("null", False)]
)
def test_truth_values_are_read_as_yaml_writes_them(
    written: str, expected: bool, write: Write
) -> None:
    source = text(TOKEN, {"insecure-skip-tls-verify": "PLACE"}).replace("PLACE", written)
    assert from_kubeconfig(write("config", source)).insecure_skip_tls_verify is expected


def test_a_truth_value_that_is_none_is_an_error(write: Write) -> None:
    path = write("config", text(TOKEN, {"insecure-skip-tls-verify": "maybe"}))
    assert _error(path).endswith("insecure-skip-tls-verify must be true or false")


def test_a_server_without_scheme_gets_the_one_client_go_would_guess(write: Write) -> None:
    plain = write("plain", text(cluster={"server": "localhost:8080"}))
    tls = write("tls", text(cluster={"server": "localhost:6443", "insecure-skip-tls-verify": True}))
    assert from_kubeconfig(plain).server == "http://localhost:8080"
    assert from_kubeconfig(tls).server == "https://localhost:6443"


def test_all_of_a_users_impersonation_is_read(write: Write) -> None:
    user = {
        **TOKEN,
        "as": "jane",
        "as-uid": "1234",
        "as-groups": ["dev", "ops"],
        "as-user-extra": {"scopes": ["read", "write"]},
    }
    impersonate = from_kubeconfig(write("config", text(user))).impersonate
    assert impersonate is not None
    assert impersonate.headers() == [
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "1234"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-scopes", "read"),
        ("Impersonate-Extra-scopes", "write"),
    ]


def test_groups_to_act_with_need_a_user_to_act_as(write: Write) -> None:
    path = write("config", text({**TOKEN, "as-groups": ["dev"]}))
    assert "need `as`, the user to act as" in _error(path)


def test_an_unknown_context_is_named_with_the_file_the_others_and_a_guess(write: Write) -> None:
    path = write("config", text(TOKEN, name="production"))
    assert _error(path, "producton") == (
        f'{path}: no context "producton"; did you mean "production"? Contexts: production'
    )
    assert _error(path, "x") == f'{path}: no context "x"; Contexts: production'


@pytest.mark.parametrize("kind", ["cluster", "user"])
def test_an_unknown_cluster_or_user_is_named_with_the_context(kind: str, write: Write) -> None:
    path = write("config", text(TOKEN, context={kind: "absent"}))
    assert f'no {kind} "absent", which context "dev" names; {kind.capitalize()}s: dev' in _error(
        path
    )


def test_without_a_current_context_the_message_says_how_to_choose(write: Write) -> None:
    whole = document(TOKEN)
    del whole["current-context"]
    path = write("config", yaml.safe_dump(whole))
    assert _error(path) == (
        f"{path}: no current-context; set it with `kubectl config use-context NAME` or pass "
        "context=. Contexts: dev"
    )


def test_broken_yaml_is_named_with_file_and_line_and_without_its_content(write: Write) -> None:
    path = write("config", "users:\n- name: dev\n  user:\n    token: s3cret\n   name: oops\n")
    message = _error(path)
    assert message.startswith(f"kubeconfig {path} is not YAML: line 5, column 4: ")
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- a\n- b\n", "is not a mapping with clusters, users and contexts"),
        ("just words", "is not a mapping with clusters, users and contexts"),
        (b"\xff\xfe\x00", "is not a text file in UTF-8"),
        ("kind: Model\n", 'is a manifest of kind "Model", not a kubeconfig'),
        ("", "no current-context"),
        ("# only a comment\n", "no current-context"),
        ("contexts: {}\n", "contexts must be a list of mappings"),
        ("contexts: [1]\n", "contexts must be a list of mappings"),
        ("users: [{user: {}}]\n", "users[0] has no name"),
        ("users: [{name: a, user: 1}]\n", "user must be a mapping"),
        ("clusters: [{name: a}, {name: a}]\n", 'two clusters have the name "a"'),
        ("users: !!python/object:os.system {}\n", "is not YAML"),
    ],
)
def test_what_is_no_kubeconfig_is_said_to_be_none(
    content: str | bytes, expected: str, write: Write
) -> None:
    path = write("config", content)
    message = _error(path)
    assert expected in message
    assert str(path) in message


def test_a_directory_is_no_kubeconfig(tmp_path: Path) -> None:
    assert _error(tmp_path) == f"kubeconfig {tmp_path} cannot be read: is a directory"


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ({"server": ""}, 'cluster "dev" in {path} has no server'),
        (
            {"server": "ftp://x"},
            "server 'ftp://x' is not a URL that starts with http:// or https://",
        ),
        ({"server": "https://"}, "server 'https:' is not a URL"),
        ({"server": "https://a:99999"}, "is not a URL: Port out of range"),
        ({"server": "https://u:p@a"}, "server 'https://***@a' contains a user"),
        ({"server": "https://a?b=c"}, "has a query or fragment"),
        ({"server": "https://a b"}, "contains a space or control character"),
        ({"certificate-authority": "no.crt"}, "no.crt cannot be read: no such file"),
        ({"certificate-authority-data": "%%%"}, "certificate-authority-data is not base64"),
        (
            {"certificate-authority-data": "-----BEGIN CERTIFICATE-----"},
            "is not base64; it looks like PEM, which must be encoded",
        ),
        (
            {"certificate-authority-data": "YQ==", "insecure-skip-tls-verify": True},
            "a certificate authority together with insecure-skip-tls-verify",
        ),
        (
            {"proxy-url": "ftp://proxy"},
            "proxy-url 'ftp://proxy' is not a URL that starts",
        ),
    ],
)
def test_mistakes_in_a_cluster_are_named(
    cluster: dict[str, Any], expected: str, write: Write
) -> None:
    path = write("config", text(TOKEN, cluster))
    assert expected.format(path=path) in _error(path)


def test_a_context_without_a_user_is_anonymous_as_in_kubectl(write: Write) -> None:
    assert from_kubeconfig(write("config", text())).credentials is None


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, "has no credentials"),
        ({"token": ""}, "has no credentials"),
        ({"token": None}, "has no credentials"),
        ({"token": "   "}, "the token is empty"),
        ({"token": "a b"}, "contains a space, a control character or a letter outside ASCII"),
        ({"token": "Bearer abc"}, 'give the token alone, without "Bearer" before it'),
        ({"tokenFile": "absent"}, "absent cannot be read: no such file or directory"),
        ({"tokenFile": "empty"}, "empty: the token is empty"),
        ({"token": "abc", "tokenFile": "absent"}, "absent cannot be read"),
        ({"token": "abc", "username": "u"}, "a token and a username; only one"),
        ({"password": "p"}, "a password without a username"),
        ({"client-certificate-data": "YQ=="}, "client-key is missing"),
        ({"client-key": "k"}, "client-certificate is missing"),
        (
            {"client-certificate": "c", "client-key": "k"},
            "certificate {dir}/c cannot be read",
        ),
        (
            {"client-certificate": "ca.crt", "client-key": "empty"},
            "key {dir}/empty is empty",
        ),
        ({"auth-provider": {"name": "gcp"}}, "install gke-gcloud-auth-plugin"),
        ({"auth-provider": {"name": "azure"}}, "kubelogin convert-kubeconfig"),
        ({"auth-provider": {"name": "own"}}, "'own' is not supported, as in kubectl since 1.26"),
        ({"auth-provider": {"name": "oidc"}}, "auth-provider oidc has no config"),
        ({"exec": {"command": "x"}, "auth-provider": {"name": "oidc"}}, "exec and auth-provider"),
        ({"exec": {"command": "x"}}, "exec has no apiVersion"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1"}}, "exec has no command"),
        (
            {"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": "x"}},
            "exec.apiVersion 'client.authentication.k8s.io/v1alpha1' is not supported, only",
        ),
    ],
)
def test_a_user_that_cannot_be_used_is_an_error_and_never_anonymous(
    user: dict[str, Any], expected: str, write: Write, authority: Authority
) -> None:
    write("empty", "\n")
    write("ca.crt", authority.pair.cert)
    path = write("config", text(user))
    message = _error(path)
    assert expected.format(dir=path.parent) in message
    assert 'user "dev"' in message


def test_what_cannot_be_had_is_a_credential_error(write: Write) -> None:
    with pytest.raises(CredentialError):
        from_kubeconfig(write("config", text({"tokenFile": "absent"})))


def test_a_configuration_can_be_made_by_hand() -> None:
    config = Config("https://10.0.0.1:6443/", credentials=StaticToken("abc"))
    assert config.server == "https://10.0.0.1:6443"
    assert _authorization(config) == "Bearer abc"
