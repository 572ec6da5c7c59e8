"""A real API server for tests: etcd and kube-apiserver on the loopback interface, no nodes.

What it answers is what a cluster answers, up to and including admission. What only
controllers do does not happen: nothing schedules pods, collects garbage, empties a deleted
namespace or computes the usage of a quota.
"""
