"""From a ModelInfer to its pods, and what it says meanwhile: sections 3.2 and 5.2 of the facts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.stage import Stage, conditions, role, template

READY = "All infer groups are ready"
PROGRESS = "Some groups is progressing: "


def status(infer: dict[str, Any]) -> tuple[int, int, int, int]:
    """The counters: replicas, updated, available, current."""
    found = infer.get("status", {})
    names = ("replicas", "updatedReplicas", "availableReplicas", "currentReplicas")
    replicas, updated, available, current = (found.get(name, 0) for name in names)
    return replicas, updated, available, current


def test_pods_have_the_names_labels_and_environment_of_the_platform(stage: Stage) -> None:
    simulation = stage.start()
    infer = stage.create_infer(template=template(role(workers=1, replicas=2)))
    simulation.settle()
    assert sorted(stage.pods()) == [
        "mi-0-leader-0-0",
        "mi-0-leader-0-1",
        "mi-0-leader-1-0",
        "mi-0-leader-1-1",
    ]
    entry, worker = stage.pod("mi-0-leader-1-0"), stage.pod("mi-0-leader-1-1")
    prefix = "modelinfer.matrixinfer.ai/"
    labels = entry["metadata"]["labels"]
    revision = labels.pop(f"{prefix}revision")
    assert labels == {
        f"{prefix}name": "mi",
        f"{prefix}group-name": "mi-0",
        f"{prefix}role": "leader",
        f"{prefix}role-id": "leader-1",
        f"{prefix}entry": "true",
    }
    assert f"{prefix}entry" not in worker["metadata"]["labels"]
    assert worker["metadata"]["labels"][f"{prefix}revision"] == revision
    [owner] = entry["metadata"]["ownerReferences"]
    assert owner["uid"] == infer["metadata"]["uid"]
    assert owner["controller"]
    assert owner["blockOwnerDeletion"]
    for pod, index in ((entry, "0"), (worker, "1")):
        env = {row["name"]: row["value"] for row in pod["spec"]["containers"][0]["env"]}
        assert env == {
            "GROUP_SIZE": "2",
            "ENTRY_ADDRESS": f"mi-0-leader-1-0.{stage.namespace}",
            "WORKER_INDEX": index,
        }
    services = stage.services()
    assert sorted(services) == ["mi-0-leader-0-0", "mi-0-leader-1-0"]
    service = services["mi-0-leader-0-0"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True


def test_template_labels_win_and_gangs_are_annotated(stage: Stage) -> None:
    simulation = stage.start()
    leader = role()
    leader["entryTemplate"]["metadata"] = {"labels": {"modelinfer.matrixinfer.ai/role": "mine"}}
    stage.create_infer(template=template(leader, gangSchedule={"minRoleReplicas": {"leader": 1}}))
    simulation.settle()
    metadata = stage.pod("mi-0-leader-0-0")["metadata"]
    assert metadata["labels"]["modelinfer.matrixinfer.ai/role"] == "mine"
    assert metadata["annotations"]["scheduling.k8s.io/group-name"] == "mi-0"


def test_statuses_have_the_words_and_omissions_of_the_platform(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(replicas=2)
    simulation.step()
    first = stage.infer()
    assert first["status"] == {
        "observedGeneration": 1,
        "replicas": 2,
        "updatedReplicas": 2,
        "conditions": first["status"]["conditions"],
    }
    progressing = ("GroupProgressing", f"{PROGRESS}[0 1]")
    assert conditions(first) == {"Progerssing": ("True", *progressing)}
    simulation.settle()
    found = conditions(stage.infer())
    # One that turns False keeps its text, however wrong.
    assert found["Progerssing"] == ("False", *progressing)
    assert found["Available"] == ("True", "AllGroupsReady", READY)
    assert status(stage.infer()) == (2, 2, 2, 2)


def test_numbers_in_messages_are_places_in_the_groups_sorted_by_name(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(replicas=11)
    simulation.settle()
    simulation.fail("mi-2", "crash_loop")
    simulation.advance(1)
    # mi-0, mi-1, mi-10, mi-2: the third of the names is that of the last group.
    since = conditions(stage.infer())["Progerssing"]
    assert since[:2] == ("True", "GroupProgressing")
    assert since[2] == f"{PROGRESS}[3]"


def test_a_modelinfer_that_is_born_without_replicas_never_gets_a_status(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(replicas=0)
    simulation.settle()
    assert "status" not in stage.infer()
    stage.infers.patch("mi", {"spec": {"replicas": 1}})
    simulation.settle()
    assert status(stage.infer()) == (1, 1, 1, 1)
    stage.infers.patch("mi", {"spec": {"replicas": 0}})
    simulation.settle()
    assert not stage.pods()
    assert conditions(stage.infer())["Available"][0] == "True"
    assert status(stage.infer()) == (0, 0, 0, 0)
    assert stage.infer()["status"]["observedGeneration"] == 3


def test_groups_and_roles_are_scaled_without_a_rollout(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer()
    simulation.settle()
    uid = stage.pod("mi-0-leader-0-0")["metadata"]["uid"]
    stage.infers.patch("mi", {"spec": {"replicas": 2, "template": template(role(replicas=2))}})
    simulation.settle()
    assert sorted(stage.pods()) == [
        *["mi-0-leader-0-0", "mi-0-leader-1-0", "mi-1-leader-0-0", "mi-1-leader-1-0"]
    ]
    stage.infers.patch("mi", {"spec": {"replicas": 1, "template": template(role(replicas=1))}})
    simulation.settle()
    assert sorted(stage.pods()) == ["mi-0-leader-0-0"]
    assert stage.pod("mi-0-leader-0-0")["metadata"]["uid"] == uid
    assert status(stage.infer()) == (1, 1, 1, 1)


def test_a_rollout_replaces_group_after_group_from_the_last_one(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(replicas=3)
    simulation.settle()
    stage.infers.patch("mi", {"spec": {"template": template(role(image="engine:new"))}})
    old: list[int] = []
    messages: set[str] = set()
    while simulation.step() is not None:
        images = {
            name.split("-")[1]: pod["spec"]["containers"][0]["image"]
            for name, pod in stage.pods().items()
        }
        old.append(sum(image == "engine:tag" for image in images.values()))
        for kind, (state, _, message) in conditions(stage.infer()).items():
            if kind == "UpdateInProgress" and state == "True":
                messages.add(message)
    assert list(dict.fromkeys(old)) == [3, 2, 1, 0]
    assert f"{PROGRESS}[2], Updated Groups are: [2]" in messages
    assert status(stage.infer()) == (3, 3, 3, 3)
    assert conditions(stage.infer())["UpdateInProgress"][0] == "False"


def test_a_rollout_of_one_group_keeps_available_while_the_counters_tell(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer()
    simulation.settle()
    stage.infers.patch("mi", {"spec": {"template": template(role(image="engine:new"))}})
    simulation.step()
    infer = stage.infer()
    assert conditions(infer)["Available"][0] == "True"
    assert infer["status"]["observedGeneration"] == 2
    assert status(infer) == (1, 0, 0, 0)


def test_groups_below_the_partition_keep_the_old_template(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer(replicas=3)
    simulation.settle()
    strategy = {"rollingUpdateConfiguration": {"partition": 1}}
    new = template(role(image="engine:new"))
    stage.infers.patch("mi", {"spec": {"template": new, "rolloutStrategy": strategy}})
    simulation.settle()
    images = {name: pod["spec"]["containers"][0]["image"] for name, pod in stage.pods().items()}
    assert images == {
        "mi-0-leader-0-0": "engine:tag",
        "mi-1-leader-0-0": "engine:new",
        "mi-2-leader-0-0": "engine:new",
    }
    assert status(stage.infer()) == (3, 2, 3, 1)
    stage.infers.wait_for_rollout("mi", timeout=5)


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ("InferGroupRecreate", ["mi-1-decode-0-0", "mi-1-prefill-0-0"]),
        ("RoleRecreate", ["mi-0-prefill-0-0", "mi-1-decode-0-0", "mi-1-prefill-0-0"]),
        ("None", ["mi-0-prefill-0-0", "mi-1-decode-0-0", "mi-1-prefill-0-0"]),
    ],
)
def test_a_lost_pod_is_replaced_as_the_recovery_policy_says(
    stage: Stage, policy: str, kept: list[str]
) -> None:
    simulation = stage.start()
    roles = template(role("prefill"), role("decode"))
    stage.create_infer(replicas=2, recoveryPolicy=policy, template=roles)
    simulation.settle()
    before = {name: pod["metadata"]["uid"] for name, pod in stage.pods().items()}
    stage.delete_pod("mi-0-decode-0-0")
    simulation.settle()
    after = {name: pod["metadata"]["uid"] for name, pod in stage.pods().items()}
    assert sorted(name for name, uid in after.items() if before[name] == uid) == kept
    if policy == "None":
        assert "mi-0-decode-0-0" not in after
        assert conditions(stage.infer())["Progerssing"][0] == "True"
    else:
        assert sorted(after) == sorted(before)
        assert status(stage.infer()) == (2, 2, 2, 2)


def test_a_pod_that_has_restarted_is_replaced_when_its_time_to_recover_is_over(
    stage: Stage,
) -> None:
    simulation = stage.start(nodes=None)
    stage.create_infer(template=template(restartGracePeriodSeconds=60))
    simulation.settle()
    uid = stage.pod("mi-0-leader-0-0")["metadata"]["uid"]
    simulation.fail("mi", "crash_loop", times=2)
    simulation.settle()
    assert stage.pod("mi-0-leader-0-0")["metadata"]["uid"] == uid
    assert stage.pod("mi-0-leader-0-0")["status"]["containerStatuses"][0]["restartCount"] == 1
    # Ready in time: with its restarts it stays.
    simulation.advance(10)
    assert stage.pod("mi-0-leader-0-0")["metadata"]["uid"] == uid
    assert conditions(stage.infer())["Available"][0] == "True"
    simulation.fail("mi", "crash_loop")
    simulation.advance(5)
    assert stage.pod("mi-0-leader-0-0")["metadata"]["uid"] != uid


def test_without_time_to_recover_a_pod_goes_with_its_first_restart(stage: Stage) -> None:
    simulation = stage.start()
    stage.create_infer()
    simulation.settle()
    uid = stage.pod("mi-0-leader-0-0")["metadata"]["uid"]
    simulation.fail("mi", "crash_loop", times=1)
    simulation.settle()
    pod = stage.pod("mi-0-leader-0-0")
    assert pod["metadata"]["uid"] != uid
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    assert status(stage.infer()) == (1, 1, 1, 1)


def test_workers_without_a_template_never_come(stage: Stage) -> None:
    simulation = stage.start()
    leader = role(workers=1)
    del leader["workerTemplate"]
    stage.create_infer(template=template(leader))
    simulation.settle()
    assert sorted(stage.pods()) == ["mi-0-leader-0-0"]
    assert stage.pod("mi-0-leader-0-0")["status"]["phase"] == "Running"
    assert conditions(stage.infer())["Progerssing"][0] == "True"
    finding = stage.client.diagnose("ModelInfer", "mi").findings[0]
    assert finding.code == "worker-template"


def test_annotations_in_a_template_stop_the_controller(stage: Stage) -> None:
    simulation = stage.start()
    leader = role()
    leader["entryTemplate"]["metadata"] = {"annotations": {"a": "b"}}
    stage.create_infer(template=template(leader))
    simulation.settle()
    assert not stage.pods()
    assert stage.client.diagnose("ModelInfer", "mi").findings[0].code == "template-annotations"


def test_a_simulation_that_starts_later_takes_over_what_is_there(stage: Stage) -> None:
    first = stage.start()
    stage.create_infer(replicas=2)
    first.settle()
    first.stop()
    uids = {pod["metadata"]["uid"] for pod in stage.pods().values()}
    second = stage.start(seed=2)
    second.settle()
    assert {pod["metadata"]["uid"] for pod in stage.pods().values()} == uids
    stage.infers.patch("mi", {"spec": {"replicas": 1}})
    second.settle()
    assert sorted(stage.pods()) == ["mi-0-leader-0-0"]
