"""Rules for the engine's configuration and environment in a Model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from matrixinfer_client.validation.access import items
from matrixinfer_client.validation.linting.model import backends, implemented, workers
from matrixinfer_client.validation.linting.registry import Hit, Subject, rule
from matrixinfer_client.validation.rendering import Parts

__all__: list[str] = []

_CONFIGURED = ("server", "prefill", "decode")
_LARGE = 1_000_000
_CREDENTIALS = ("ACCESS_KEY", "SECRET_KEY", "HF_AUTH_TOKEN", "HF_REVISION")
_COPIED = ("ENDPOINT", "HF_ENDPOINT")


def _configs(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    for place, worker, _ in workers(subject):
        if isinstance(worker.get("config"), dict):
            yield (*place, "config"), worker["config"]


def _environment(subject: Subject) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    for place, backend in backends(subject):
        for index, variable in enumerate(items(backend, "env")):
            yield (*place, "env", index), variable


@rule("MI001", "error", "Model", "A worker without config")
def no_config(subject: Subject) -> Iterator[Hit]:
    for place, worker, backend in workers(subject):
        is_read = implemented(backend) and worker.get("type", "server") in _CONFIGURED
        if is_read and worker.get("config") is None:
            yield Hit(
                (*place, "config"),
                "The Model gets the condition Failed: `failed to unmarshal config: unexpected end "
                "of JSON input`.",
                "set `config: {}`.",
            )


@rule("MI002", "error", "Model", "A config that is no object")
def config_type(subject: Subject) -> Iterator[Hit]:
    for place, worker, _ in workers(subject):
        config = worker.get("config")
        if config is not None and not isinstance(config, dict):
            yield Hit(
                (*place, "config"),
                f"The controller reads `config` as a JSON object and fails on a "
                f"{type(config).__name__}.",
                "write a mapping of argument to value.",
            )


@rule("MI020", "error", "Model", "A large number in config")
def large_number(subject: Subject) -> Iterator[Hit]:
    for place, config in _configs(subject):
        for key, value in config.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and abs(value) >= _LARGE:
                yield Hit(
                    (*place, key),
                    f"Numbers go through floating point, so the engine gets `{value:.6g}` in "
                    "the form 1e+06, which it does not read as an integer.",
                    f'send it as a string: `{key}: "{value}"`.',
                )


@rule("MI021", "error", "Model", "A nested value in config")
def nested_value(subject: Subject) -> Iterator[Hit]:
    for place, config in _configs(subject):
        for key, value in config.items():
            if isinstance(value, dict | list):
                yield Hit(
                    (*place, key),
                    "Objects and lists are printed in Go's notation (`map[a:1]`), which no engine "
                    "reads.",
                    "send it as a string that holds JSON.",
                )


@rule("MI022", "warning", "Model", "An argument in camel case")
def camel_case(subject: Subject) -> Iterator[Hit]:
    for place, config in _configs(subject):
        for key in config:
            if any(letter.isupper() for letter in key):
                kebab = "".join(f"-{c.lower()}" if c.isupper() else c for c in key).lstrip("-")
                yield Hit(
                    (*place, key),
                    f"Keys become arguments with `_` turned into `-` and nothing else changed: "
                    f"`--{key.replace('_', '-')}`.",
                    f"write it as the engine spells it: `{kebab}`.",
                )


@rule("MI023", "warning", "Model", "Adapters that several pods do not load")
def lost_adapters(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if not backend.get("loraAdapters"):
            continue
        for index, worker in enumerate(items(backend, "workers")):
            if (worker.get("pods") or 0) > 1:
                yield Hit(
                    (*place, "workers", index, "pods"),
                    "With more than one pod the arguments that the platform appends are lost, and "
                    "`--enable-lora` with `--lora-modules` is among them.",
                    "use `pods: 1`, or merge the adapters into the model.",
                )


@rule("MI024", "warning", "Model", "A downloader setting by reference")
def copied_by_reference(subject: Subject) -> Iterator[Hit]:
    for place, variable in _environment(subject):
        if variable["name"] in _COPIED and variable.get("valueFrom") is not None:
            yield Hit(
                (*place, "valueFrom"),
                f"`{variable['name']}` is copied to the downloader as a literal value; `valueFrom` "
                "is ignored.",
                "give it as `value`, or through `envFrom`.",
            )


@rule("MI025", "warning", "Model", "Downloader credentials in env")
def credentials_in_env(subject: Subject) -> Iterator[Hit]:
    for place, variable in _environment(subject):
        if variable["name"] in _CREDENTIALS:
            yield Hit(
                (*place, "name"),
                f"`{variable['name']}` in `env` reaches the engine and not the downloader, which "
                "needs it.",
                "put it into a Secret and name that in `envFrom`.",
            )


@rule("MI026", "warning", "Model", "An object store without credentials")
def no_credentials(subject: Subject) -> Iterator[Hit]:
    for place, backend in backends(subject):
        if backend["modelURI"].startswith("s3://") and not backend.get("envFrom"):
            yield Hit(
                (*place, "modelURI"),
                "Without ACCESS_KEY and SECRET_KEY the download is skipped; only a line in the log "
                "says so, and the engine starts without weights.",
                "name a Secret with both in `envFrom`.",
            )


@rule("MI027", "warning", "Model", "Adapters changed in place on several backends")
def in_place_adapters(subject: Subject) -> Iterator[Hit]:
    if len(items(subject.spec, "backends")) < 2:
        return
    for place, variable in _environment(subject):
        value = str(variable.get("value") or "").lower()
        if variable["name"] == "VLLM_ALLOW_RUNTIME_LORA_UPDATING" and value == "true":
            yield Hit(
                place,
                "A change of the adapters of only some backends makes the controller delete the "
                "ModelInfers of those backends.",
                "change the adapters of all backends together, or use one Model for each.",
            )


@rule("MI028", "error", "Model", "A port of the runtime that is no number")
def runtime_port(subject: Subject) -> Iterator[Hit]:
    for place, variable in _environment(subject):
        value = variable.get("value")
        if variable["name"] == "RUNTIME_PORT" and value is not None and not value.isdecimal():
            yield Hit(
                (*place, "value"),
                f"`{value}` is no port number, and the sidecar is told to listen on it.",
                'write the number as text: `value: "8100"`.',
            )
