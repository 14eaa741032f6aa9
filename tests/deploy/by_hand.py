"""What deploy/README.md does by hand on Kubernetes can be done: by_hand, as the page has it, makes of every rendering a job that the
schemas and the rules of the house take, in its namespace, with the command as it was typed; and whatever kubectl is told to touch
by name is there where the page says so. A stand-in for kubectl knows what was rendered and nothing else.

    by_hand.py KUBECTL
"""

import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import manifests

PAGE = manifests.DEPLOY.parent / "README.md"
COMMAND = ["resync", "--force", "--ok-if", "parked", "two words"]
# `create job NAME --from=cronjob/NAME` as kubectl does it, from a file of what is there; whatever is created is kept.
KUBECTL = """#!/usr/bin/env python3
import json, pathlib, sys
here, words = pathlib.Path(__file__).parent, sys.argv[1:]
assert words[0] == "-n", words
namespace, words = words[1], words[2:]
if words[:2] == ["create", "job"]:
    kind, name = next(word for word in words if word.startswith("--from=")).removeprefix("--from=").split("/")
    assert kind == "cronjob" and words[3:] == [f"--from=cronjob/{name}", "--dry-run=client", "-o", "json"], words
    of = [thing for thing in json.loads((here / "there").read_text()) if thing["kind"] == "CronJob"
          and thing["metadata"]["name"] == name and thing["metadata"]["namespace"] == namespace]
    if not of:
        sys.exit(f"there is no {kind} {name} in {namespace}")
    template = of[0]["spec"]["jobTemplate"]
    json.dump({"apiVersion": "batch/v1", "kind": "Job", "spec": template["spec"],
               "metadata": {**template.get("metadata", {}), "name": words[2], "namespace": namespace}}, sys.stdout)
elif words == ["create", "-f", "-"]:
    (here / "made").write_text(sys.stdin.read())
else:
    assert words[0] == "logs" and words[-1] == "job/" + json.loads((here / "made").read_text())["metadata"]["name"], words
"""


def made(function, things, namespace):
    """The job that by_hand makes, and what is said where it makes none."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "there").write_text(json.dumps(things))
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o755)
        run = subprocess.run(["bash", "-c", 'set -o pipefail\n' + function + 'by_hand "$@"', "bash", namespace, *COMMAND], capture_output=True,
                             text=True, check=False, env={"PATH": f"{folder}:{os.environ['PATH']}", "USER": "rossi"})
        job = folder / "made"
        return (json.loads(job.read_text()) if run.returncode == 0 and job.exists() else None), run.stdout + run.stderr


def of_rendering(name, things, function):
    namespaces = sorted({thing["metadata"]["namespace"] for thing in things if manifests.pod_template(thing)})
    for namespace in namespaces:
        job, said = made(function, things, namespace)
        if not job:
            yield f"{name}: by_hand {namespace} makes no job: {said}"
            continue
        for problem in manifests.problems([*copy.deepcopy(things), job]):
            yield f"{name}: by_hand {namespace}: {problem}"
        container = job["spec"]["template"]["spec"]["containers"][0]
        if container["args"] != COMMAND:
            yield f"{name}: by_hand runs {container['args']}"
        if {"name": "USER", "value": "rossi"} not in container["env"]:
            yield f"{name}: by_hand does not say by whom"
        # A person's command is done once, and is no part of what is stopped.
        if job["spec"]["backoffLimit"] != 0 or job["metadata"]["labels"].get("app.kubernetes.io/name") != "anagrafe":
            yield f"{name}: by_hand makes another job than it should"


def named(page, everything):
    """Names behind cronjob/ and deployment/: of each rendering that has such things, and of each that has what the page scales."""
    for kind, name in sorted(set(re.findall(r"\b(cronjob|deployment)/([a-z$][\w$-]*)", page))):
        for name in [name.replace("$each", each) for each in (["sync", "resync"] if "$each" in name else [""])]:
            kinds = {"cronjob": "CronJob", "deployment": "Deployment"}
            having = {rendering: {thing["metadata"]["name"] for thing in things if thing["kind"] == kinds[kind]}
                      for rendering, things in everything.items()}
            # What is made by hand is everywhere; the daemon's and the CronJobs' own where they are what runs.
            wanted = [rendering for rendering, names in having.items()
                      if (names if kind == "deployment" else name == "anagrafe-by-hand" or len(names) > 1)]
            for rendering in wanted:
                if name not in having[rendering]:
                    yield f"{rendering}: deploy/README.md names {kind}/{name}, which is not there"
            if not wanted:
                yield f"deploy/README.md names {kind}/{name}, which is nowhere"


def main():
    everything = manifests.rendered(sys.argv[1] if len(sys.argv) > 1 else "kubectl")
    page = PAGE.read_text()
    function = re.search(r"^by_hand\(\) \{.*?^\}\n", page, re.M | re.S)[0]
    wrong = [problem for name, things in everything.items() for problem in of_rendering(name, things, function)]
    wrong += named(page, everything)
    # What is applied anew lets go what was suspended by hand.
    for name, things in everything.items():
        for thing in things:
            if thing["kind"] == "CronJob" and "suspend" not in thing["spec"]:
                wrong.append(f"{name}: {thing['metadata']['name']} does not say whether it is suspended")
    # The check itself can fail.
    for broken in [function.replace("cronjob/anagrafe-by-hand", "cronjob/anagrafe-sync"), function.replace('"$namespace"', "anagrafe")]:
        if not any(True for name in ["daemon", "many-merchants"] for _ in of_rendering(name, everything[name], broken)):
            wrong.append(f"taken for one that works: {broken}")
    if not any(named("kubectl patch cronjob/anagrafe-snyc; kubectl scale deployment/anagraf", everything)):
        wrong.append("names that are nowhere were taken for some")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"by_hand works in {len(everything)} kustomizations")


if __name__ == "__main__":
    main()
