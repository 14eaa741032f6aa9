"""What runs on Kubernetes: every kustomization rendered, held against the schemas, against what these know nothing of (the
words that a field may hold, selectors that meet nobody, names that are not there), and against the rules of this house.

Without an argument it checks what lies in deploy/kubernetes, and then whether each mistake of mistakes.yaml is found: those are
made on the same manifests, one at a time, and the check that misses one has failed.
"""

import functools
import json
import pathlib
import re
import subprocess
import sys
import zoneinfo

import kubernetes_validate
import yaml

import patching

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parents[1] / "deploy" / "kubernetes"
# The oldest that is held to, and the newest whose schemas are at hand.
VERSIONS = ["1.29", kubernetes_validate.latest_version()]
# It reads the definitions anew for every object, which is most of its time.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
# Of others' making: no schema is at hand, so their fields are written here.
FOREIGN = {
    "PodMonitor": ({"selector", "podMetricsEndpoints", "namespaceSelector", "jobLabel", "podTargetLabels"},
                   {"port", "path", "interval", "scheme", "scrapeTimeout", "relabelings", "metricRelabelings"}),
}

# Words, by the end of a field's path. The schemas take any text for them.
WORDS = {
    "action": {"FailJob", "Ignore", "Count", "FailIndex"},
    "completionMode": {"NonIndexed", "Indexed"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "dnsPolicy": {"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"},
    "emptyDir.medium": {"", "Memory"},
    "externalTrafficPolicy": {"Cluster", "Local"},
    "httpGet.scheme": {"HTTP", "HTTPS"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "internalTrafficPolicy": {"Cluster", "Local"},
    "matchExpressions[].operator": {"In", "NotIn", "Exists", "DoesNotExist"},
    "nodeAffinityPolicy": {"Honor", "Ignore"},
    "nodeTaintsPolicy": {"Honor", "Ignore"},
    "onExitCodes.operator": {"In", "NotIn"},
    "podReplacementPolicy": {"TerminatingOrFailed", "Failed"},
    "policyTypes[]": {"Ingress", "Egress"},
    "preemptionPolicy": {"PreemptLowerPriority", "Never"},
    "procMount": {"Default", "Unmasked"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "restartPolicy": {"Always", "OnFailure", "Never"},
    "seccompProfile.type": {"RuntimeDefault", "Localhost", "Unconfined"},
    "sessionAffinity": {"None", "ClientIP"},
    "spec.type": {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"},
    "strategy.type": {"RollingUpdate", "Recreate"},
    "terminationMessagePolicy": {"File", "FallbackToLogsOnError"},
    "tolerations[].effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"},
    "tolerations[].operator": {"Exists", "Equal"},
    "unhealthyPodEvictionPolicy": {"IfHealthyBudget", "AlwaysAllow"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
}
# What the standard `restricted` lets a pod mount.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 0.001, "": 1}


class Found(list):
    """Problems, each with the object it is of."""

    def __init__(self):
        super().__init__()
        self.of = ""

    def unless(self, fine, what):
        if not fine:
            self.append(f"{self.of}: {what}")


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for below in value:
            yield from leaves(below, f"{path}[]")
    else:
        yield path, value


def quantity(text):
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


def pod_template(thing):
    spec = thing.get("spec", {})
    return {"CronJob": lambda: spec["jobTemplate"]["spec"]["template"], "Job": lambda: spec["template"],
            "Deployment": lambda: spec["template"]}.get(thing["kind"], lambda: None)()


@functools.cache
def complaints(text):
    """Of the schemas, which take their time: most things come here many times."""
    thing, out = json.loads(text), []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            out.append(f"{version}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
        except kubernetes_validate.SchemaNotFoundError:
            out.append(f"{version}: no such kind of thing: {thing['apiVersion']} {thing['kind']}")
    return out


def schema(found, thing):
    if thing["kind"] in FOREIGN:
        known, endpoint = FOREIGN[thing["kind"]]
        found.unless(set(thing["spec"]) <= known, f"no fields of its: {set(thing['spec']) - known}")
        for each in thing["spec"]["podMetricsEndpoints"]:
            found.unless(set(each) <= endpoint, f"no fields of an endpoint: {set(each) - endpoint}")
        return
    for said in complaints(json.dumps(thing)):
        found.append(f"{found.of}: {said}")


def words(found, thing):
    for path, value in leaves(thing):
        for end, allowed in WORDS.items():
            if path == end or path.endswith("." + end):
                # The one field that is called so and is something else.
                if end == "spec.type" and thing["kind"] != "Service":
                    continue
                found.unless(value in allowed, f"{path}: '{value}' is none of {sorted(allowed)}")


def restricted(found, spec):
    """The Pod Security Standard of that name, in full."""
    for field in ["hostNetwork", "hostPID", "hostIPC"]:
        found.unless(not spec.get(field), f"{field} is not restricted")
    for volume in spec.get("volumes", []):
        found.unless(set(volume) - {"name"} <= VOLUMES, f"volume {volume['name']} is not restricted")
    outer = spec.get("securityContext", {})
    found.unless(not outer.get("sysctls"), "sysctls are not restricted")
    for container in spec.get("initContainers", []) + spec["containers"]:
        own = container.get("securityContext", {})
        both = {**outer, **own}
        found.unless(both.get("runAsNonRoot") is True, "runAsNonRoot is not true")
        found.unless(isinstance(both.get("runAsUser"), int) and both["runAsUser"] > 0, "runAsUser is no number above 0")
        profile = both.get("seccompProfile", {}).get("type")
        found.unless(profile in {"RuntimeDefault", "Localhost"}, f"seccompProfile '{profile}' is not restricted")
        found.unless(own.get("allowPrivilegeEscalation") is False, "allowPrivilegeEscalation is not false")
        found.unless(not own.get("privileged"), "privileged is not restricted")
        capabilities = own.get("capabilities", {})
        found.unless(capabilities.get("drop") == ["ALL"], "capabilities are not all dropped")
        found.unless(not capabilities.get("add"), "capabilities are added")
        found.unless(own.get("procMount", "Default") == "Default", "procMount is not restricted")
        for port in container.get("ports", []):
            found.unless("hostPort" not in port, "hostPort is not restricted")


def house(found, spec):
    found.unless(spec.get("automountServiceAccountToken") is False, "a token of the cluster is mounted")
    found.unless(spec.get("serviceAccountName") not in {None, "default"}, "it has no service account of its own")
    found.unless(spec.get("enableServiceLinks") is False, "enableServiceLinks is not false: variables ANAGRAFE_… of services")
    grace = spec.get("terminationGracePeriodSeconds", 30)
    found.unless(grace > 20, f"terminationGracePeriodSeconds: {grace}, and it takes up to 20 s to stop")
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for container in spec["containers"]:
        found.unless(container.get("securityContext", {}).get("readOnlyRootFilesystem") is True, "the root file system is writable")
        image = container["image"].rpartition("/")[2]
        found.unless("@sha256:" in image or (":" in image and not image.endswith(":latest")), f"image {image} names no version")
        resources = container.get("resources", {})
        for kind in ["cpu", "memory"]:
            wanted, most = (resources.get(part, {}).get(kind) for part in ["requests", "limits"])
            found.unless(wanted is not None and most is not None, f"no request or no limit of {kind}")
            if wanted is not None and most is not None:
                found.unless(quantity(wanted) <= quantity(most), f"more {kind} is requested than allowed")
        for mount in container.get("volumeMounts", []):
            found.unless(mount["name"] in volumes, f"volume {mount['name']} is not there")
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            found.unless("secretKeyRef" not in source, f"{variable['name']}: a secret in the environment; mount it as a file")
        found.unless("envFrom" not in container, "envFrom may bring secrets into the environment")
        ports = {port.get("name") for port in container.get("ports", [])}
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            found.unless(port is None or port in ports, f"{probe}: port {port} is not there")


def schedules(found, thing):
    spec = thing["spec"]
    found.unless(spec.get("concurrencyPolicy") == "Forbid", "concurrencyPolicy is not Forbid")
    # Below ten seconds the controller may miss every start.
    found.unless(spec.get("startingDeadlineSeconds", 0) >= 10, "startingDeadlineSeconds is missing or below 10")
    zone = spec.get("timeZone")
    found.unless(zone in zoneinfo.available_timezones(), f"timeZone '{zone}' is none")
    fields, bounds = spec["schedule"].split(), [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    item = re.compile(r"(\*|(\d+)(-(\d+))?)(/([1-9]\d*))?")
    parts = [(part, bound) for field, bound in zip(fields, bounds) for part in field.split(",")]
    fine = all((match := item.fullmatch(part)) and all(low <= int(n) <= high for n in match.group(2, 4) if n)
               for part, (low, high) in parts)
    found.unless(len(fields) == 5 and fine, f"schedule '{spec['schedule']}' is none")
    args = pod_template(thing)["spec"]["containers"][0]["args"]
    if spec.get("suspend"):
        return
    found.unless("--ok-if" in args and "busy,parked" in args, "busy or parked is a failure: --ok-if busy,parked")


def jobs(found, thing):
    spec = thing["spec"]["jobTemplate"]["spec"] if thing["kind"] == "CronJob" else thing["spec"]
    for field in ["backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"]:
        found.unless(field in spec, f"{field} is missing")
    policy = spec["template"]["spec"].get("restartPolicy")
    found.unless(policy in {"Never", "OnFailure"}, f"restartPolicy '{policy}' is not for a job")
    found.unless("podFailurePolicy" not in spec or policy == "Never", "podFailurePolicy needs restartPolicy Never")


def deployments(found, thing):
    spec = thing["spec"]
    found.unless(spec["template"]["spec"].get("restartPolicy", "Always") == "Always", "restartPolicy is not for a deployment")
    meets(found, spec["selector"], [spec["template"]["metadata"]["labels"]], "its own pods")
    container = spec["template"]["spec"]["containers"][0]
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        found.unless(probe in container, f"{probe} is missing")


def meets(found, selector, labels, whom):
    wanted = selector.get("matchLabels", selector if "matchExpressions" not in selector else {})
    found.unless(any(wanted.items() <= each.items() for each in labels), f"its selector {wanted} meets not {whom}")


def together(found, things):
    """What one thing says of another."""
    def name(thing):
        found.of = f"{thing['kind']} {thing['metadata']['name']}"
        return thing["metadata"].get("namespace")

    for thing in things:
        namespace = name(thing)
        template = pod_template(thing)
        there = [other for other in things if other["metadata"].get("namespace") == namespace]
        names = {(other["kind"], other["metadata"]["name"]) for other in there}
        pods = [pod_template(other) for other in there if pod_template(other)]
        labels = [pod["metadata"]["labels"] for pod in pods]
        if thing["kind"] == "Namespace":
            enforced = thing["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
            found.unless(enforced == "restricted", "the namespace does not enforce restricted")
        if template:
            found.unless(namespace is not None, "no namespace")
            account = template["spec"].get("serviceAccountName")
            found.unless(("ServiceAccount", account) in names, f"service account {account} is not there")
            for path, value in leaves(template["spec"]["volumes"]):
                if path.endswith("configMap.name"):
                    found.unless(("ConfigMap", value) in names, f"config map {value} is not there")
            for spread in template["spec"].get("topologySpreadConstraints", []):
                meets(found, spread["labelSelector"], [template["metadata"]["labels"]], "its own pods")
        if thing["kind"] == "ServiceAccount":
            found.unless(thing.get("automountServiceAccountToken") is False, "its token is mounted")
        if thing["kind"] in {"PodDisruptionBudget", "PodMonitor"}:
            meets(found, thing["spec"]["selector"], labels, "any pod")
        if thing["kind"] == "PodDisruptionBudget":
            replicas = max(o["spec"]["replicas"] for o in there if o["kind"] == "Deployment")
            found.unless(thing["spec"].get("minAvailable", 0) < replicas, "it never lets a node be drained")
        ports = [port for pod in pods for container in pod["spec"]["containers"] for port in container.get("ports", [])]
        if thing["kind"] == "NetworkPolicy":
            meets(found, thing["spec"]["podSelector"], labels, "any pod")
        if thing["kind"] == "Service":
            meets(found, thing["spec"]["selector"], labels, "any pod")
            for port in thing["spec"]["ports"]:
                found.unless(port.get("targetPort") in {p.get("name") for p in ports}, f"port {port.get('targetPort')} is not there")
        if thing["kind"] == "PodMonitor":
            for endpoint in thing["spec"]["podMetricsEndpoints"]:
                found.unless(endpoint["port"] in {p.get("name") for p in ports}, f"port {endpoint['port']} is not there")
        if template and not any(other["kind"] == "NetworkPolicy" for other in there):
            found.append(f"{found.of}: no network policy is about it")


def problems(things):
    found = Found()
    for thing in things:
        found.of = f"{thing['kind']} {thing['metadata']['name']}"
        schema(found, thing)
        words(found, thing)
    if found:
        # What is of another shape than it should be is not looked into further.
        return list(found)
    for thing in things:
        found.of = f"{thing['kind']} {thing['metadata']['name']}"
        template = pod_template(thing)
        if template:
            restricted(found, template["spec"])
            house(found, template["spec"])
        for kinds, check in [({"CronJob"}, schedules), ({"CronJob", "Job"}, jobs), ({"Deployment"}, deployments)]:
            if thing["kind"] in kinds:
                check(found, thing)
    together(found, things)
    return list(found)


def render(folder, kubectl="kubectl"):
    shown = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if shown.returncode != 0 or shown.stderr.strip():
        sys.exit(f"{folder}: {shown.stderr.strip()}")
    return [thing for thing in yaml.safe_load_all(shown.stdout) if thing]


def rendered(kubectl):
    """Every kustomization, by its folder; the components as an overlay of what they are for."""
    out = {}
    for path in sorted(DEPLOY.rglob("kustomization.yaml")):
        folder = path.parent.relative_to(DEPLOY)
        if folder.parts[0] != "components" and str(folder) != "base":
            out[str(folder)] = render(path.parent, kubectl)
    for component in sorted((DEPLOY / "components").iterdir()):
        of = "cronjob" if component.name == "migrate" else "daemon"
        with patching.overlay(DEPLOY, of, component.name) as folder:
            out[f"{of} + {component.name}"] = render(folder, kubectl)
    with patching.as_written(DEPLOY) as folder:
        out["README.md's overlay"] = render(folder, kubectl)
    return out


def main():
    kubectl = sys.argv[1] if len(sys.argv) > 1 else "kubectl"
    everything = rendered(kubectl)
    failed = False
    for name, things in everything.items():
        for problem in problems(things):
            failed = True
            print(f"deploy/kubernetes/{name}: {problem}", file=sys.stderr)
    if failed:
        sys.exit(1)
    mistakes = yaml.safe_load((HERE / "mistakes.yaml").read_text())
    for mistake in mistakes:
        things = patching.changed(everything[mistake["of"]], mistake)
        said = problems(things)
        if not any(mistake["found"] in problem for problem in said):
            print(f"mistakes.yaml: {mistake['change']} was not found; said was {said}", file=sys.stderr)
            failed = True
    if failed:
        sys.exit(1)
    print(f"{len(everything)} kustomizations fine, {len(mistakes)} mistakes found")


if __name__ == "__main__":
    main()
