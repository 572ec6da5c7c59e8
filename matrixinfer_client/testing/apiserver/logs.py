"""What containers wrote, as the `log` subresource of a pod gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matrixinfer_client.testing.apiserver.reading import read_one
from matrixinfer_client.testing.apiserver.refusals import bad_request
from matrixinfer_client.testing.apiserver.routing import Ask
from matrixinfer_client.testing.apiserver.state import State
from matrixinfer_client.testing.exchange import Reply

__all__ = ["read_log"]


def read_log(state: State, ask: Ask) -> Reply:
    """The log of a container: all of it, or the last `tailLines`."""
    pod = read_one(state, ask)
    container = _container(ask, pod)
    previous = ask.call.flag("previous")
    text = state.logs(ask.namespace, ask.name, container, previous)
    if text is None and previous:
        raise bad_request(
            f'previous terminated container "{container}" in pod "{ask.name}" not found'
        )
    if text is None and not pod.get("spec", {}).get("nodeName"):
        # Nobody could be asked for it.
        return Reply(status=204)
    if text is None and not _has_started(pod, container):
        raise bad_request(
            f'container "{container}" in pod "{ask.name}" is waiting to start: ContainerCreating'
        )
    body = _last(text or "", ask.call.option("tailLines")).encode()
    return Reply(status=200, body=body, headers=[("Content-Type", "text/plain")])


def _container(ask: Ask, pod: Mapping[str, Any]) -> str:
    spec = pod.get("spec", {})
    names = _names(spec, "containers")
    known = [*_names(spec, "initContainers"), *names]
    asked = ask.call.option("container")
    if asked and asked not in known:
        raise bad_request(f"container {asked} is not valid for pod {ask.name}")
    if asked:
        return asked
    if len(names) == 1:
        return names[0]
    choices = f"choose one of: [{' '.join(names)}]"
    raise bad_request(f"a container name must be specified for pod {ask.name}, {choices}")


def _names(spec: Mapping[str, Any], field: str) -> Sequence[str]:
    return [each["name"] for each in spec.get(field) or ()]


def _has_started(pod: Mapping[str, Any], container: str) -> bool:
    status = pod.get("status", {})
    statuses = [
        *(status.get("containerStatuses") or ()),
        *(status.get("initContainerStatuses") or ()),
    ]
    found: Any = next((each for each in statuses if each["name"] == container), None)
    return found is not None and "waiting" not in found.get("state", {})


def _last(text: str, lines: str) -> str:
    if not lines:
        return text
    try:
        count = int(lines)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{lines}": invalid syntax') from None
    return "".join(text.splitlines(keepends=True)[-count:]) if count else ""
