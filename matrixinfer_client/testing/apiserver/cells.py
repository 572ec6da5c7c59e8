"""The columns of each kind in the API server's tables, and what stands in them.

The core kinds have the columns that the server prints for them, those of `-o wide` included: they
have priority 1, and clients leave them out of a narrow table. Where the server has no printer for
a kind it gives the name and the time of creation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from matrixinfer_client.looks import mapping, rows, text, texts
from matrixinfer_client.testing.apiserver.ages import age
from matrixinfer_client.testing.apiserver.catalog import ResourceType
from matrixinfer_client.testing.apiserver.podrows import pod_cells
from matrixinfer_client.times import parse
from matrixinfer_client.validation.quantities import QuantityError, parse_quantity

__all__ = ["Column", "Printer", "printer"]


@attrs.frozen
class Column:
    """A column of a table."""

    name: str
    description: str
    type: str = "string"
    priority: int = 0
    format: str = ""

    def wire(self) -> dict[str, Any]:
        """As the table has it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


@attrs.frozen
class Printer:
    """The columns of a kind, and the function that fills a row."""

    columns: tuple[Column, ...]
    cells: Callable[[Mapping[str, Any], datetime], list[Any]]


def printer(resource: ResourceType) -> Printer:
    """How the objects of a resource are printed."""
    if resource.custom:
        return _CUSTOM
    return _PRINTERS.get(resource.kind.kind, _DEFAULT)


_NAME: Final = Column("Name", "Name of the object.", format="name")
_AGE: Final = Column("Age", "How long ago the object was created.")


def _wide(name: str, description: str) -> Column:
    return Column(name, description, priority=1)


def _name(obj: Mapping[str, Any]) -> str:
    return text(mapping(obj.get("metadata")).get("name"))


def _age(obj: Mapping[str, Any], now: datetime) -> str:
    return age(mapping(obj.get("metadata")).get("creationTimestamp"), now)


def _custom(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    # The bookmark that ends the initial events has no time of creation, and so no age.
    created = mapping(obj.get("metadata")).get("creationTimestamp")
    return [_name(obj), None if created is None else age(created, now)]


def _default(obj: Mapping[str, Any], now: datetime) -> list[Any]:  # noqa: ARG001
    created = text(mapping(obj.get("metadata")).get("creationTimestamp"))
    moment = parse(created)
    # No time is the first one that there is.
    when = moment if isinstance(moment, datetime) else datetime.min.replace(tzinfo=UTC)
    return [_name(obj), f"{when.astimezone(UTC).replace(tzinfo=None).isoformat('T', 'seconds')}Z"]


def _namespace(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    return [_name(obj), text(mapping(obj.get("status")).get("phase")), _age(obj, now)]


def _config_map(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    count = len(mapping(obj.get("data"))) + len(mapping(obj.get("binaryData")))
    return [_name(obj), count, _age(obj, now)]


def _secret(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    return [_name(obj), text(obj.get("type")), len(mapping(obj.get("data"))), _age(obj, now)]


def _service_account(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    return [_name(obj), len(rows(obj.get("secrets"))), _age(obj, now)]


def _service(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    spec = mapping(obj.get("spec"))
    addresses = texts(spec.get("clusterIPs")) or [text(spec.get("clusterIP"))]
    labels = mapping(spec.get("selector"))
    ports = ",".join(map(_port, rows(spec.get("ports"))))
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return [
        _name(obj),
        text(spec.get("type")),
        addresses[0] or "<none>",
        _external(obj, spec),
        ports or "<none>",
        _age(obj, now),
        selector or "<none>",
    ]


def _port(port: Mapping[str, Any]) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port', 0)}{node}/{text(port.get('protocol'))}"


def _external(obj: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    given = texts(spec.get("externalIPs"))
    kind = text(spec.get("type"))
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(given) or "<none>"
    if kind == "ExternalName":
        return text(spec.get("externalName"))
    if kind != "LoadBalancer":
        return "<unknown>"
    balancer = mapping(mapping(obj.get("status")).get("loadBalancer"))
    points = rows(balancer.get("ingress"))
    balanced = {text(each.get("ip")) or text(each.get("hostname")) for each in points}
    return ",".join([*sorted(balanced - {""}), *given]) or "<pending>"


def _node(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    status = mapping(obj.get("status"))
    info = mapping(status.get("nodeInfo"))
    states = {text(each.get("type")): each for each in rows(status.get("conditions"))}
    ready = states.get("Ready")
    words = ["Unknown" if ready is None else "Ready"]
    if ready is not None and ready.get("status") != "True":
        words = ["NotReady"]
    if mapping(obj.get("spec")).get("unschedulable"):
        words.append("SchedulingDisabled")
    return [
        _name(obj),
        ",".join(words),
        ",".join(_roles(obj)) or "<none>",
        _age(obj, now),
        text(info.get("kubeletVersion")),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        *(
            text(info.get(name)) or "<unknown>"
            for name in ("osImage", "kernelVersion", "containerRuntimeVersion")
        ),
    ]


def _roles(obj: Mapping[str, Any]) -> Sequence[str]:
    labels = mapping(mapping(obj.get("metadata")).get("labels"))
    prefix = "node-role.kubernetes.io/"
    found = {key.removeprefix(prefix) for key in labels if key.startswith(prefix)}
    found.add(text(labels.get("kubernetes.io/role")))
    return sorted(found - {""})


def _address(status: Mapping[str, Any], kind: str) -> str:
    found = (each for each in rows(status.get("addresses")) if each.get("type") == kind)
    return next((text(each.get("address")) for each in found), "<none>")


def _quota(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    status = mapping(obj.get("status"))
    used = mapping(status.get("used"))
    requests: list[str] = []
    limits: list[str] = []
    for name, hard in sorted(mapping(status.get("hard")).items()):
        column = limits if name.startswith("limits.") else requests
        column.append(f"{name}: {_quantity(used.get(name, '0'))}/{_quantity(hard)}")
    return [_name(obj), ", ".join(requests), ", ".join(limits), _age(obj, now)]


def _quantity(value: object) -> str:
    try:
        return str(parse_quantity(str(value)))
    except QuantityError:
        return str(value)


def _binding(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    role = mapping(obj.get("roleRef"))
    users: list[str] = []
    groups: list[str] = []
    accounts: list[str] = []
    for each in rows(obj.get("subjects")):
        name, kind = text(each.get("name")), each.get("kind")
        if kind == "ServiceAccount":
            accounts.append(f"{text(each.get('namespace'))}/{name}")
        elif kind in ("User", "Group"):
            (users if kind == "User" else groups).append(name)
    subjects = [", ".join(found) for found in (users, groups, accounts)]
    bound = f"{text(role.get('kind'))}/{text(role.get('name'))}"
    return [_name(obj), bound, _age(obj, now), *subjects]


def _event(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    about = mapping(obj.get("involvedObject"))
    kind, name = text(about.get("kind")).lower(), text(about.get("name"))
    source = mapping(obj.get("source"))
    component = text(source.get("component")) or text(obj.get("reportingComponent"))
    instance = text(source.get("host")) or text(obj.get("reportingInstance"))
    first = age(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = age(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    # An event of the newer API that happened once has no count.
    count = obj.get("count") or 1
    if isinstance(obj.get("series"), Mapping):
        series = mapping(obj.get("series"))
        last, count = age(series.get("lastObservedTime"), now), series.get("count", 0)
    return [
        last,
        text(obj.get("type")),
        text(obj.get("reason")),
        f"{kind}/{name}" if name else kind,
        text(about.get("fieldPath")),
        f"{component}, {instance}" if instance else component,
        text(obj.get("message")).strip(),
        first,
        count,
        _name(obj),
    ]


def _binding_columns(kind: str) -> tuple[Column, ...]:
    role = Column("Role", "The role that is granted.")
    subjects = [
        _wide(name, f"{name} in the {kind}") for name in ("Users", "Groups", "ServiceAccounts")
    ]
    return (_NAME, role, _AGE, *subjects)


_CUSTOM: Final = Printer((_NAME, attrs.evolve(_AGE, type="date")), _custom)
_DEFAULT: Final = Printer((_NAME, Column("Created At", "When it was created.", "date")), _default)
_PRINTERS: Final[Mapping[str, Printer]] = {
    "ClusterRoleBinding": Printer(_binding_columns("clusterRoleBinding"), _binding),
    "ConfigMap": Printer((_NAME, Column("Data", "How many entries it has."), _AGE), _config_map),
    "Event": Printer(
        (
            Column("Last Seen", "How long ago it happened last."),
            Column("Type", "Normal or Warning."),
            Column("Reason", "What happened, in a word for programs."),
            Column("Object", "What it happened to."),
            _wide("Subobject", "The part of the object."),
            _wide("Source", "Who reports it."),
            Column("Message", "What happened, for people."),
            _wide("First Seen", "How long ago it happened first."),
            _wide("Count", "How often it happened."),
            attrs.evolve(_NAME, priority=1),
        ),
        _event,
    ),
    "Namespace": Printer((_NAME, Column("Status", "Active or Terminating."), _AGE), _namespace),
    "Node": Printer(
        (
            _NAME,
            Column("Status", "Whether it is ready and takes pods."),
            Column("Roles", "The roles that its labels give it."),
            _AGE,
            Column("Version", "The version of its kubelet."),
            _wide("Internal-IP", "Its address inside the cluster."),
            _wide("External-IP", "Its address outside."),
            _wide("OS-Image", "Its operating system."),
            _wide("Kernel-Version", "Its kernel."),
            _wide("Container-Runtime", "What runs its containers."),
        ),
        _node,
    ),
    "Pod": Printer(
        (
            _NAME,
            Column("Ready", "How many of its containers are ready."),
            Column("Status", "The state of its containers in one word."),
            Column("Restarts", "How often containers were restarted, and when the last one was."),
            _AGE,
            _wide("IP", "Its address."),
            _wide("Node", "The node that it runs on."),
            _wide("Nominated Node", "The node that is being made free for it."),
            _wide("Readiness Gates", "How many of its further conditions are true."),
        ),
        pod_cells,
    ),
    "ResourceQuota": Printer(
        (
            _NAME,
            Column("Request", "Used and allowed, of everything but limits."),
            Column("Limit", "Used and allowed, of limits."),
            _AGE,
        ),
        _quota,
    ),
    "RoleBinding": Printer(_binding_columns("roleBinding"), _binding),
    "Secret": Printer(
        (_NAME, Column("Type", "What is in it."), Column("Data", "How many entries it has."), _AGE),
        _secret,
    ),
    "Service": Printer(
        (
            _NAME,
            Column("Type", "How it is exposed."),
            Column("Cluster-IP", "Its address inside the cluster."),
            Column("External-IP", "Its addresses outside."),
            Column("Port(s)", "Port, port on nodes, protocol."),
            _AGE,
            _wide("Selector", "The labels of the pods behind it."),
        ),
        _service,
    ),
    "ServiceAccount": Printer(
        (_NAME, Column("Secrets", "How many secrets it names."), _AGE), _service_account
    ),
}
