# SPDX-License-Identifier: Apache-2.0
"""The objects of Kubernetes that contrib/kubernetes uses, and the fields that they may have: kubectl may drop a field
that it does not know, and a misspelt optional one would go unnoticed. To use another field, add it here first.
Source: https://kubernetes.io/docs/reference/kubernetes-api/"""

# A kind of value: a type, a list of one kind, a choice of several (a tuple), or the name of an object below.
# `dict`: texts by names that are ours to choose.
TOP = {"apiVersion": str, "kind": str, "metadata": "Metadata"}
PORT = (int, str)  # a number, or the name of a container's port
OBJECTS = {
    "ConfigMap": {**TOP, "data": dict},
    "Service": {**TOP, "spec": "ServiceSpec"},
    "PodDisruptionBudget": {**TOP, "spec": "PodDisruptionBudgetSpec"},
    "NetworkPolicy": {**TOP, "spec": "NetworkPolicySpec"},
    "StatefulSet": {**TOP, "spec": "StatefulSetSpec"},
    "Metadata": {"name": str, "namespace": str, "labels": dict, "annotations": dict},
    "Selector": {"matchLabels": dict},
    "ServiceSpec": {"type": str, "clusterIP": str, "selector": dict, "ports": ["ServicePort"],
                    "publishNotReadyAddresses": bool},
    "ServicePort": {"name": str, "port": int, "targetPort": PORT, "protocol": str},
    "PodDisruptionBudgetSpec": {"maxUnavailable": (int, str), "selector": "Selector"},
    "NetworkPolicySpec": {"podSelector": "Selector", "policyTypes": [str], "ingress": ["NetworkPolicyIngress"]},
    "NetworkPolicyIngress": {"from": ["NetworkPolicyPeer"], "ports": ["NetworkPolicyPort"]},
    "NetworkPolicyPeer": {"namespaceSelector": "Selector", "podSelector": "Selector"},
    "NetworkPolicyPort": {"port": PORT, "protocol": str},
    "StatefulSetSpec": {"serviceName": str, "replicas": int, "selector": "Selector", "template": "PodTemplate",
                        "podManagementPolicy": str, "volumeClaimTemplates": ["VolumeClaim"]},
    "PodTemplate": {"metadata": "TemplateMetadata", "spec": "PodSpec"},
    "TemplateMetadata": {"labels": dict, "annotations": dict},
    "PodSpec": {"automountServiceAccountToken": bool, "serviceAccountName": str, "terminationGracePeriodSeconds": int,
                "topologySpreadConstraints": ["TopologySpread"], "securityContext": "PodSecurity",
                "initContainers": ["Container"], "containers": ["Container"], "volumes": ["Volume"],
                "imagePullSecrets": ["Reference"], "nodeSelector": dict},
    "TopologySpread": {"maxSkew": int, "topologyKey": str, "whenUnsatisfiable": str, "labelSelector": "Selector"},
    "PodSecurity": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int,
                    "fsGroupChangePolicy": str, "seccompProfile": "SeccompProfile"},
    "SeccompProfile": {"type": str},
    "Container": {"name": str, "image": str, "imagePullPolicy": str, "args": [str], "env": ["Variable"],
                  "securityContext": "ContainerSecurity", "volumeMounts": ["VolumeMount"], "ports": ["ContainerPort"],
                  "startupProbe": "Probe", "livenessProbe": "Probe", "readinessProbe": "Probe",
                  "resources": "Resources"},
    "Variable": {"name": str, "value": str},
    "ContainerSecurity": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool,
                          "capabilities": "Capabilities"},
    "Capabilities": {"drop": [str]},
    "VolumeMount": {"name": str, "mountPath": str, "subPath": str, "readOnly": bool},
    "ContainerPort": {"name": str, "containerPort": int, "protocol": str},
    "Probe": {"httpGet": "HttpGet", "initialDelaySeconds": int, "periodSeconds": int, "timeoutSeconds": int,
              "failureThreshold": int},
    "HttpGet": {"path": str, "port": PORT, "scheme": str},
    "Resources": {"requests": dict, "limits": dict},
    "Volume": {"name": str, "configMap": "Reference", "secret": "SecretVolume", "emptyDir": "EmptyDir"},
    "Reference": {"name": str},
    "SecretVolume": {"secretName": str, "defaultMode": int},
    "EmptyDir": {"medium": str, "sizeLimit": str},
    "VolumeClaim": {"metadata": "Metadata", "spec": "VolumeClaimSpec"},
    "VolumeClaimSpec": {"accessModes": [str], "storageClassName": str, "resources": "Resources"},
}


def problems(value, kind, place: str = "") -> list[str]:
    """What `value` holds that a value of that kind may not, each with its place."""
    if isinstance(kind, tuple):
        fits = any(not problems(value, each, place) for each in kind)
        return [] if fits else [f"{place}: {value!r} is of no fitting type"]
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{place}: must be a list"]
        return [each for n, item in enumerate(value) for each in problems(item, kind[0], f"{place}[{n}]")]
    if kind is dict:
        texts = isinstance(value, dict) and all(type(text) is str for text in value.values())
        return [] if texts else [f"{place}: must hold texts by name"]
    if isinstance(kind, type):
        return [] if type(value) is kind else [f"{place}: {value!r} must be of type {kind.__name__}"]
    if not isinstance(value, dict):
        return [f"{place}: must be an object, {kind}"]
    fields = OBJECTS[kind]
    found = [f"{place}.{name}: {kind} has no such field" for name in value if name not in fields]
    return found + [each for name in value if name in fields
                    for each in problems(value[name], fields[name], f"{place}.{name}")]
