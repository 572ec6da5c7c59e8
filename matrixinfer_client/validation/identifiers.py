"""Names, labels and annotations: what Kubernetes accepts, in the words of the API server.

Each function returns the messages for what is wrong; none when the text is good.
"""

from __future__ import annotations

import re

__all__ = [
    "annotation_key_problems",
    "label_key_problems",
    "label_problems",
    "label_value_problems",
    "namespace_problems",
    "subdomain_problems",
    "synthetic_name",
]

_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"

_IS_LABEL = re.compile(_LABEL, re.ASCII).fullmatch
_IS_SUBDOMAIN = re.compile(_SUBDOMAIN, re.ASCII).fullmatch
_IS_QUALIFIED = re.compile(_QUALIFIED, re.ASCII).fullmatch
_IS_VALUE = re.compile(_VALUE, re.ASCII).fullmatch

_NAMESPACE = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_IS_NAMESPACE = re.compile(_NAMESPACE, re.ASCII).fullmatch
_NAMESPACE_HELP = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    f"for validation is '{_NAMESPACE}')"
)
_SUBDOMAIN_HELP = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    f"for validation is '{_SUBDOMAIN}')"
)
_LABEL_HELP = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
    f"'abc-123', regex used for validation is '{_LABEL}')"
)
_QUALIFIED_HELP = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    f"validation is '{_QUALIFIED}')"
)
_VALUE_HELP = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    f"or '12345', regex used for validation is '{_VALUE}')"
)

_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253


def subdomain_problems(text: str) -> list[str]:
    """What keeps `text` from being a DNS-1123 subdomain, as names of custom resources must be."""
    problems: list[str] = []
    if _bytes(text) > _SUBDOMAIN_LENGTH:
        problems.append(_too_long(_SUBDOMAIN_LENGTH))
    if not _IS_SUBDOMAIN(text):
        problems.append(_SUBDOMAIN_HELP)
    return problems


def namespace_problems(text: str) -> list[str]:
    """What keeps `text` from being a DNS-1123 label, as names of namespaces must be."""
    problems: list[str] = []
    if _bytes(text) > _LABEL_LENGTH:
        problems.append(_too_long(_LABEL_LENGTH))
    if not _IS_NAMESPACE(text):
        problems.append(_NAMESPACE_HELP)
    return problems


def label_problems(text: str) -> list[str]:
    """What keeps `text` from being a DNS-1035 label, as names of Services must be."""
    problems: list[str] = []
    if _bytes(text) > _LABEL_LENGTH:
        problems.append(_too_long(_LABEL_LENGTH))
    if not _IS_LABEL(text):
        problems.append(_LABEL_HELP)
    return problems


def label_key_problems(key: str) -> list[str]:
    """What keeps `key` from being a qualified name: `[prefix.example.com/]name`."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name {_QUALIFIED_HELP} {optional}"]
    problems: list[str] = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        problems += [f"prefix part {problem}" for problem in subdomain_problems(prefix)]
    if not name:
        problems.append("name part must be non-empty")
    elif _bytes(name) > _LABEL_LENGTH:
        problems.append(f"name part {_too_long(_LABEL_LENGTH)}")
    if not _IS_QUALIFIED(name):
        problems.append(f"name part {_QUALIFIED_HELP}")
    return problems


def annotation_key_problems(key: str) -> list[str]:
    """As for keys of labels, except that upper case is allowed in the prefix."""
    return label_key_problems(key.lower())


def label_value_problems(value: str) -> list[str]:
    """What keeps `value` from being the value of a label; empty is fine."""
    problems: list[str] = []
    if _bytes(value) > _LABEL_LENGTH:
        problems.append(_too_long(_LABEL_LENGTH))
    if not _IS_VALUE(value):
        problems.append(_VALUE_HELP)
    return problems


def synthetic_name(
    name: str, replicas: int, role: str, role_replicas: int, worker_replicas: int
) -> str:
    """The longest name that a ModelInfer may lead to, which the webhook checks as a DNS label."""
    return f"{name}-{replicas}-{role}-{role_replicas}-{worker_replicas}"


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _too_long(most: int) -> str:
    return f"must be no more than {most} characters"
