from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen import names


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("apiVersion", "api_version"),
        ("artifactURL", "artifact_url"),
        ("awsElasticBlockStore", "aws_elastic_block_store"),
        ("base64Data", "base64_data"),
        ("cephfs", "cephfs"),
        ("clusterIPs", "cluster_ips"),
        ("externalIPs", "external_ips"),
        ("fc", "fc"),
        ("fieldsV1", "fields_v1"),
        ("fsGroup", "fs_group"),
        ("hostIPC", "host_ipc"),
        ("httpGet", "http_get"),
        ("httpHeaders", "http_headers"),
        ("iSCSI", "iscsi"),
        ("kvConnector", "kv_connector"),
        ("modelURI", "model_uri"),
        ("nfs", "nfs"),
        ("nodeIPv4s", "node_ipv4s"),
        ("pdGroup", "pd_group"),
        ("photonPersistentDisk", "photon_persistent_disk"),
        ("podCIDRs", "pod_cidrs"),
        ("scaleIO", "scale_io"),
        ("seLinuxOptions", "se_linux_options"),
        ("setHostnameAsFQDN", "set_hostname_as_fqdn"),
        ("storageOS", "storage_os"),
        ("tcpSocket", "tcp_socket"),
        ("x-example.com/flag", "x_example_com_flag"),
        ("$ref", "ref"),
        ("3scale", "field_3scale"),
    ],
)
def test_acronyms_stay_readable_in_field_names(wire: str, python: str) -> None:
    assert names.field_name(wire) == python


@pytest.mark.parametrize(
    ("class_", "module"),
    [
        ("AWSElasticBlockStoreVolumeSource", "aws_elastic_block_store_volume_source"),
        ("CephFSVolumeSource", "cephfs_volume_source"),
        ("HTTPGetAction", "http_get_action"),
        ("JSONSchemaProps", "json_schema_props"),
        ("PDGroup", "pd_group"),
        ("PodDNSConfig", "pod_dns_config"),
    ],
)
def test_a_module_is_named_after_its_class(class_: str, module: str) -> None:
    assert names.module_name(class_) == module


@pytest.mark.parametrize("word", keyword.kwlist)
def test_every_keyword_gets_an_underscore(word: str) -> None:
    expected = f"{word}_" if keyword.iskeyword(word.lower()) else word.lower()
    assert names.field_name(word) == expected


@pytest.mark.parametrize("word", ["type", "exec", "kind", "id", "match", "case", "list", "object"])
def test_nothing_but_keywords_gets_an_underscore(word: str) -> None:
    assert names.field_name(word) == word


@pytest.mark.parametrize("wire", ["", "-", "___", "$$"])
def test_a_property_without_letters_is_refused(wire: str) -> None:
    with pytest.raises(names.NamingError, match="cannot be made a Python name"):
        names.field_name(wire)


@pytest.mark.parametrize("wire", ["toDict", "unknownFields", "fromYAML", "self"])
def test_a_property_that_would_hide_a_method_of_the_base_is_refused(wire: str) -> None:
    with pytest.raises(names.NamingError, match="the base class needs that name"):
        names.field_name(wire, names.BASE_MEMBERS)


@pytest.mark.parametrize("name", ["Kind", "any", "Literal", "api-model"])
def test_a_type_that_has_the_name_of_an_import_is_refused(name: str) -> None:
    with pytest.raises(names.NamingError, match="generated modules import"):
        names.class_name(name)


def test_a_type_keeps_its_own_spelling_as_far_as_python_can_say_it() -> None:
    assert names.class_name("KVConnectorSpec") == "KVConnectorSpec"
    assert names.class_name("outer rules-item") == "OuterRulesItem"
    assert names.class_name("None") == "None_"


@pytest.mark.parametrize(
    ("kind", "plural", "method"),
    [
        ("AutoscalingPolicyBinding", "autoscalingpolicybindings", "autoscaling_policy_bindings"),
        ("AutoscalingPolicy", "autoscalingpolicies", "autoscaling_policies"),
        ("HTTPRoute", "httproutes", "http_routes"),
        ("GearBox", "gearboxes", "gear_boxes"),
        ("Mains", "mains", "mains"),
        ("Person", "people", "people"),
        ("BigPerson", "crowds", "crowds"),
        ("Import", "imports", "imports"),
    ],
)
def test_a_method_has_the_words_of_the_kind_and_the_end_of_the_plural(
    kind: str, plural: str, method: str
) -> None:
    assert names.method_name(kind, plural) == method


@pytest.mark.parametrize(
    ("component", "parts"),
    [
        ("ai.example.registry.v1alpha1.Thing", ("registry", "v1alpha1", "Thing")),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", ("meta", "v1", "ObjectMeta")),
        ("core.v2beta10.Pod", ("core", "v2beta10", "Pod")),
        ("io.k8s.apimachinery.pkg.api.resource.Quantity", None),
        ("v1.Pod", None),
        ("Pod", None),
    ],
)
def test_group_and_version_come_from_the_component_name(
    component: str, parts: tuple[str, str, str] | None
) -> None:
    assert names.split_component(component) == parts


def test_a_client_is_named_after_its_package() -> None:
    assert names.package_name("kube-aggregator", "v1") == "kube_aggregator_v1"
    assert names.client_name("kube_aggregator_v1alpha1") == "KubeAggregatorV1alpha1"


def test_two_names_that_become_one_are_refused_and_both_are_told() -> None:
    pairs = [(wire, names.field_name(wire)) for wire in ("podIP", "pod_ip")]
    with pytest.raises(
        names.NamingError, match=r"Spec: 'podIP' and 'pod_ip' would both be 'pod_ip'"
    ):
        names.unclashed(pairs, "Spec")


@given(st.text())
def test_whatever_comes_in_a_name_that_comes_out_is_an_identifier(text: str) -> None:
    for make in (names.field_name, names.class_name):
        try:
            name = make(text)
        except names.NamingError:
            continue
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
