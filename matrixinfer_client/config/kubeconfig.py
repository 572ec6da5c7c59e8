"""Kubeconfig files: which ones, how they merge, and what one context of them means.

As kubectl: `KUBECONFIG` is a list of files of which missing ones are skipped, of entries with the
same name in several files the first one wins as a whole, and relative paths are relative to the
file that holds them.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from matrixinfer_client.config.documents import plain, read_document
from matrixinfer_client.config.proxies import proxy_for
from matrixinfer_client.config.tls import read_ca
from matrixinfer_client.config.users import impersonation, user_credentials
from matrixinfer_client.config.values import Config
from matrixinfer_client.errors import ConfigError

if TYPE_CHECKING:
    from matrixinfer_client.config.documents import Section

__all__ = ["Kubeconfig", "Paths", "default_paths", "from_kubeconfig"]

Paths: TypeAlias = "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]"

_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


@attrs.frozen
class Kubeconfig:
    """Kubeconfig files, merged."""

    files: tuple[Path, ...]
    contexts: dict[str, Section]
    clusters: dict[str, Section]
    users: dict[str, Section]
    current_context: str | None

    @classmethod
    def read(cls, files: Sequence[Path]) -> Kubeconfig:
        """Read and merge files. Raises `ConfigError` for one that cannot be read or parsed."""
        merged = cls(tuple(files), {}, {}, {}, None)
        current: str | None = None
        for file in files:
            document = read_document(file)
            current = current or document.text("current-context")
            for entries, key, part in (
                (merged.contexts, "contexts", "context"),
                (merged.clusters, "clusters", "cluster"),
                (merged.users, "users", "user"),
            ):
                for name, section in _named(document, key, part, file).items():
                    entries.setdefault(name, section)
        return attrs.evolve(merged, current_context=current)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it to connect with; kubectl then looks elsewhere."""
        return not (self.contexts or self.clusters or self.users or self.current_context)

    @property
    def words(self) -> str:
        """The files, for messages."""
        return ", ".join(str(file) for file in self.files)

    def config(self, context: str | None = None) -> Config:
        """The configuration that a context describes; None means the current one."""
        name = context if context is not None else self.current_context
        if not name:
            names = ", ".join(sorted(self.contexts)) or "none"
            raise ConfigError(
                f"{self.words}: no current-context; set it with `kubectl config use-context NAME` "
                f"or pass context=. Contexts: {names}"
            )
        chosen = self._entry("context", name, self.contexts)
        cluster_name = chosen.text("cluster")
        if cluster_name is None:
            raise ConfigError(f"{chosen.where} names no cluster")
        cluster = self._entry("cluster", cluster_name, self.clusters, f'context "{name}"')
        config = _cluster_config(cluster, chosen, name, self.words)
        user_name = chosen.text("user")
        if user_name is None:
            return config
        user = self._entry("user", user_name, self.users, f'context "{name}"')
        return attrs.evolve(
            config,
            credentials=user_credentials(user, _cluster_info(cluster, config, user)),
            impersonate=impersonation(user),
        )

    def _entry(
        self, kind: str, name: str, entries: dict[str, Section], wanted_by: str = ""
    ) -> Section:
        found = entries.get(name)
        if found is not None:
            return found
        # Here and not above: needed for mistakes only.
        from difflib import get_close_matches  # noqa: PLC0415

        close = get_close_matches(name, entries, n=1)
        known = ", ".join(sorted(entries)) or "none"
        raise ConfigError(
            f'{self.words}: no {kind} "{name}"'
            + (f", which {wanted_by} names" if wanted_by else "")
            + (f'; did you mean "{close[0]}"?' if close else ";")
            + f" {kind.capitalize()}s: {known}"
        )


def from_kubeconfig(paths: Paths | None = None, context: str | None = None) -> Config:
    """The configuration in kubeconfig files.

    `paths` is one file, or several to be merged (a sequence, or one string with the separator of
    `PATH`), which must exist; None means the files in the environment variable `KUBECONFIG`, else
    `~/.kube/config`. `context` is a context's name; None means `current-context`. Raises
    `ConfigError` that names the file and what is wrong in it.
    """
    if paths is not None:
        return Kubeconfig.read(_explicit(paths)).config(context)
    files, tried = default_paths()
    if not files:
        raise ConfigError(f"no kubeconfig: {'; '.join(tried)}")
    return Kubeconfig.read(files).config(context)


def default_paths() -> tuple[list[Path], list[str]]:
    """The files kubectl would read that exist, and words for those that do not."""
    listed = [entry for entry in os.environ.get("KUBECONFIG", "").split(os.pathsep) if entry]
    files = [_expanded(entry) for entry in listed or ["~/.kube/config"]]
    missing = [file for file in files if not file.exists()]
    if listed:
        tried = [f"KUBECONFIG names {file}, which does not exist" for file in missing]
    else:
        tried = [f"KUBECONFIG is not set, and {file} does not exist" for file in missing]
    return [file for file in files if file not in missing], tried


def _explicit(paths: Paths) -> list[Path]:
    # An empty string would be the current directory.
    if isinstance(paths, str) and not (paths and Path(paths).exists()):
        paths = [entry for entry in paths.split(os.pathsep) if entry]
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise ConfigError("kubeconfig names no file; pass None for the default files")
    return [_expanded(entry) for entry in given]


def _expanded(entry: str | os.PathLike[str]) -> Path:
    try:
        return Path(entry).expanduser()
    except RuntimeError:
        # No home directory, as in some containers.
        return Path(entry)


def _named(document: Section, key: str, part: str, file: Path) -> dict[str, Section]:
    entries: dict[str, Section] = {}
    for item in document.sections(key):
        name = item.text("name")
        if name is None:
            raise ConfigError(f"{item.where} has no name")
        if name in entries:
            raise ConfigError(f'kubeconfig {file}: two {key} have the name "{name}"')
        where = f'{part} "{name}" in {file}'
        inner = attrs.evolve(item, where=where).section(part) or attrs.evolve(item, values={})
        entries[name] = attrs.evolve(inner, where=where)
    return entries


def _cluster_config(cluster: Section, chosen: Section, name: str, words: str) -> Config:
    ca_data, ca_file = cluster.data("certificate-authority-data"), None
    if ca_data is None:
        ca_file = cluster.path("certificate-authority")
    insecure = cluster.flag("insecure-skip-tls-verify")
    source = f'context "{name}" of {words}'
    if ca_file is not None:
        read_ca(ca_file, cluster.where)
    return Config(
        server=_server(cluster, tls=insecure or bool(ca_data or ca_file)),
        namespace=chosen.text("namespace") or "default",
        ca_data=ca_data,
        ca_file=ca_file,
        insecure_skip_tls_verify=insecure,
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=cluster.text("proxy-url"),
        context=name,
        source=source,
    )


def _server(cluster: Section, *, tls: bool) -> str:
    server = cluster.text("server")
    if server is None:
        raise ConfigError(f"{cluster.where} has no server")
    if "://" in server:
        return server
    # client-go takes `host:port` as well, and guesses the scheme from the rest.
    return f"{'https' if tls else 'http'}://{server}"


def _cluster_info(cluster: Section, config: Config, user: Section) -> str | None:
    """What a plugin is told about the cluster (`spec.cluster` of an `ExecCredential`)."""
    plugin = user.section("exec")
    if plugin is None or not plugin.flag("provideClusterInfo"):
        return None
    info: dict[str, Any] = {"server": config.server}
    if config.tls_server_name:
        info["tls-server-name"] = config.tls_server_name
    if config.insecure_skip_tls_verify:
        info["insecure-skip-tls-verify"] = True
    ca = config.ca_data
    if ca is None and config.ca_file is not None:
        ca = read_ca(config.ca_file, cluster.where)
    if ca is not None:
        info["certificate-authority-data"] = base64.b64encode(ca).decode()
    proxy = proxy_for(config)
    if proxy is not None:
        info["proxy-url"] = proxy
    if cluster.flag("disable-compression"):
        info["disable-compression"] = True
    for extension in cluster.sections("extensions"):
        if extension.text("name") == _EXEC_EXTENSION:
            info["config"] = plain(extension.values.get("extension"))
    return json.dumps(info)
