"""Do `validate` and a real API server agree? On every verdict, and on the fields at fault.

    python -m tests.validation.fuzz --mutants 3000 --seed 1

Starts an API server with the platform's resources and without its webhooks, sends each mutant as a
dry run with strict field validation, and compares. Exits with 1 on any disagreement about a
verdict, or when less than 99 % of the rejected mutants fail at the same set of field paths.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import yaml

from matrixinfer_client.validation import Report, validate
from matrixinfer_client.validation.schemas import kind_schema
from tests.cluster.crds import platform_crds
from tests.cluster.server import ApiServer
from tests.validation.mutations import mutants

_SEEDS = Path(__file__).with_name("seeds.yaml")
_STRICT = re.compile(r'(?:unknown|duplicate) field "(.*?)"(?=, (?:unknown|duplicate) field|$)')
_LEAST_AGREEMENT = 0.99


@attrs.frozen
class Answer:
    """What the API server said."""

    accepted: bool
    stage: str
    paths: frozenset[str]
    message: str
    said: frozenset[str] = frozenset()


@attrs.define
class Tally:
    """Agreement so far, and what there is to look at."""

    mutants: int = 0
    accepted: int = 0
    rejected: int = 0
    same_paths: int = 0
    texts: int = 0
    known_texts: int = 0
    verdicts: list[str] = attrs.field(factory=list[str])
    differences: list[str] = attrs.field(factory=list[str])

    @property
    def path_agreement(self) -> float:
        return self.same_paths / self.rejected if self.rejected else 1.0

    def __str__(self) -> str:
        return (
            f"{self.mutants} mutants: {self.accepted} accepted, {self.rejected} rejected by the "
            f"API server; verdicts differ on {len(self.verdicts)}, the set of field paths is the "
            f"same for {self.same_paths} of {self.rejected} ({100 * self.path_agreement:.2f} %); "
            f"{self.known_texts} of {self.texts} messages are the server's to the letter"
        )


def seeds() -> list[dict[str, Any]]:
    """The valid manifests that mutations start from."""
    return list(yaml.safe_load_all(_SEEDS.read_text()))


def compare(server: ApiServer, objects: Iterable[dict[str, Any]], *, namespace: str) -> Tally:
    """Ask both about each object; every fourth is an update of the seed that it comes from."""
    tally = Tally()
    stored = store(server, namespace)
    for number, obj in enumerate(objects):
        obj["metadata"].pop("namespace", None)
        old = stored.get((obj["kind"], str(obj["metadata"].get("name"))))
        if number % 4 or old is None:
            answer = ask(server, obj, namespace)
            report = validate(obj, webhooks=False)
        else:
            # Another uid would be a conflict, which is not about the object's fields.
            obj["metadata"].pop("uid", None)
            obj["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            answer = ask(server, obj, namespace, method="PUT")
            report = validate(obj, old=old, webhooks=False)
        tally.mutants += 1
        if answer.accepted:
            tally.accepted += 1
        else:
            tally.rejected += 1
        if answer.accepted != report.ok:
            tally.verdicts.append(_difference(obj, answer, report))
        elif not answer.accepted:
            ours = [error for error in report if error.source != "strict"]
            if answer.stage == "schema":
                tally.texts += len(ours)
                tally.known_texts += sum(error.said in answer.said for error in ours)
            if paths_of(report, answer.stage) == answer.paths:
                tally.same_paths += 1
            else:
                tally.differences.append(_difference(obj, answer, report))
    return tally


def store(server: ApiServer, namespace: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Create the seeds; return them as stored, by kind and name."""
    stored: dict[tuple[str, str], dict[str, Any]] = {}
    for seed in seeds():
        seed["metadata"].pop("namespace", None)
        status, obj = server.request("POST", _path(seed, namespace), seed)
        if status != 201:
            raise AssertionError(f"a seed is not valid: {obj}")
        stored[seed["kind"], seed["metadata"]["name"]] = obj
    return stored


def ask(server: ApiServer, obj: dict[str, Any], namespace: str, method: str = "POST") -> Answer:
    """The server's verdict on creating or updating the object."""
    path = _path(obj, namespace)
    if method == "PUT":
        path += f"/{obj['metadata']['name']}"
    else:
        # The name of a seed is taken, and that would be a conflict even in a dry run.
        path = path.replace(f"/{namespace}/", "/default/")
    status, answer = server.request(method, f"{path}?dryRun=All&fieldValidation=Strict", obj)
    return answer_of(status, answer)


def _path(obj: dict[str, Any], namespace: str) -> str:
    kind = kind_schema(obj["kind"])
    return f"/apis/{kind.api_version}/namespaces/{namespace}/{kind.plural}"


def answer_of(status: int, answer: Any) -> Answer:
    """A response as verdict, stage and paths."""
    if status in (200, 201):
        return Answer(accepted=True, stage="", paths=frozenset(), message="")
    message = str(answer["message"])
    if status == 422:
        causes = (answer.get("details") or {}).get("causes") or []
        # The server gives no path to the errors that only repeat others.
        paths = frozenset(cause["field"] for cause in causes) - {"<nil>"}
        said = frozenset(f"{cause['field']}: {cause['message']}" for cause in causes)
        return Answer(accepted=False, stage="schema", paths=paths, message=message, said=said)
    if status == 400 and "strict decoding error" in message:
        fields = _STRICT.findall(message.partition("strict decoding error: ")[2])
        return Answer(accepted=False, stage="strict", paths=frozenset(fields), message=message)
    if status == 400 and "cannot be handled as" in message:
        return Answer(accepted=False, stage="metadata", paths=frozenset(), message=message)
    raise AssertionError(f"HTTP {status}: {answer}")


def paths_of(report: Report, stage: str) -> frozenset[str]:
    """The paths of the errors that the server would report at this stage."""
    if stage == "metadata":
        # It names the Go type and not the field; ours must at least be about metadata.
        about_it = [error for error in report if error.path.startswith("metadata")]
        return frozenset() if about_it else frozenset({"no error about metadata"})
    strict = stage == "strict"
    return frozenset(error.path for error in report if (error.source == "strict") == strict)


def _difference(obj: dict[str, Any], answer: Answer, report: Report) -> str:
    return (
        f"{json.dumps(obj, ensure_ascii=False)}\n  server: {answer.stage} {sorted(answer.paths)} "
        f"{answer.message}\n  validate: {sorted(error.path for error in report)} {report}"
    )


def _progress(objects: Iterable[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    for number, obj in enumerate(objects, 1):
        yield obj
        if number % 500 == 0:
            sys.stderr.write(f"{number} of {total}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the session and print its numbers."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation.fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="differences to print of each kind")
    options = parser.parse_args(arguments)
    with ApiServer() as server:
        server.install_crds(platform_crds())
        objects = mutants(seeds(), options.mutants, options.seed)
        namespace = server.create_namespace()
        tally = compare(server, _progress(objects, options.mutants), namespace=namespace)
    for text in [*tally.verdicts[: options.show], *tally.differences[: options.show]]:
        sys.stdout.write(f"{text}\n")
    sys.stdout.write(f"seed {options.seed}: {tally}\n")
    return 0 if not tally.verdicts and tally.path_agreement >= _LEAST_AGREEMENT else 1


if __name__ == "__main__":
    sys.exit(main())
