"""The dashboard is one: unique panels that do not overlap, queries that Prometheus can read; and no alert without a severity, a
section of deploy/README.md, and a test that raises it; who is asked for figures is labelled as the rules need it. What the metrics
are called is not known here.

    observability.py PROMTOOL KUBECTL
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

import manifests
import said

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = said.DEPLOY / "observability"


def readable(promtool, queries):
    """What Prometheus says of queries, as rules: it reads nothing else offline."""
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        run = subprocess.run([promtool, "check", "rules", file.name], capture_output=True, text=True, check=False)
    return None if run.returncode == 0 else run.stderr


def scraped(promtool, kubectl, groups):
    """What is wrong with the scrape configurations: to Prometheus, to the rules, and held against the pods they are to find."""
    wrong, jobs = [], []
    for path in sorted(FOLDER.glob("scrape-*.yaml")):
        text = path.read_text()
        jobs += yaml.safe_load(text)["scrape_configs"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            # Debian's promtool knows nothing of Kubernetes.
            file.write(re.sub(r"kubernetes_sd_configs:\n( *)- role: pod\n", r"static_configs:\n\1- targets: [x]\n", text))
            file.flush()
            run = subprocess.run([promtool, "check", "config", "--syntax-only", file.name], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            wrong.append(f"{path.name}: {run.stdout}{run.stderr}")
    looked_for = set(re.findall(r'\bup\{job=~"([^"]*)"', json.dumps(groups).replace('\\"', '"')))
    for job in jobs:
        if not looked_for or not all(re.fullmatch(pattern, job["job_name"]) for pattern in looked_for):
            wrong.append(f"scrape-…: no rule looks for job {job['job_name']}")
        for group in job.get("static_configs", []):
            if not group.get("labels", {}).get("account"):
                wrong.append(f"scrape-…: of {group['targets']} nothing says which account")
    [pods] = [job["relabel_configs"] for job in jobs if "kubernetes_sd_configs" in job]
    if "namespace" not in {each.get("target_label") for each in pods}:
        wrong.append("scrape-pods.yaml: pods have no namespace")
    [keep] = [each for each in pods if each.get("action") == "keep"]
    for thing in manifests.render(manifests.DEPLOY / "daemon", kubectl):
        if thing["kind"] == "Deployment":
            template = thing["spec"]["template"]
            labels = {re.sub(r"\W", "_", name): value for name, value in template["metadata"]["labels"].items()}
            ports = [port["name"] for port in template["spec"]["containers"][0]["ports"]]
            found = {";".join([*(labels.get(source.removeprefix("__meta_kubernetes_pod_label_"), "") for source in keep["source_labels"][:-1]),
                               port]) for port in ports}
            if keep["source_labels"][-1] != "__meta_kubernetes_pod_container_port_name" or keep["regex"] not in found:
                wrong.append(f"scrape-pods.yaml: '{keep['regex']}' finds none of the daemon's pods: {sorted(found)}")
    # Of two accounts in one job each is asked by itself: an aggregation that forgets a label mixes them.
    for rule in [rule for group in groups for rule in group["rules"]]:
        for labels in re.findall(r"\b(?:by|on) \(([^)]+)\)", rule["expr"]):
            if not labels.startswith("namespace, job, account"):
                wrong.append(f"{rule['alert']}: `{labels}` does not tell accounts apart")
    return wrong


def main():
    promtool = sys.argv[1] if len(sys.argv) > 1 else "promtool"
    wrong = []
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    panels = dashboard["panels"]
    if len({panel["id"] for panel in panels}) != len(panels):
        wrong.append("dashboard.json: two panels of one id")
    taken = {}
    for panel in panels:
        at = panel["gridPos"]
        for cell in [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]:
            if cell in taken or cell[0] >= 24:
                wrong.append(f"dashboard.json: '{panel['title']}' lies on '{taken.get(cell, 'nothing')}'")
                break
            taken[cell] = panel["title"]
        if panel["type"] != "row" and not panel.get("description"):
            wrong.append(f"dashboard.json: '{panel['title']}' does not say what it shows")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    for name in ["$__rate_interval", *sorted(f"${name}" for name in variables)]:
        queries = [query.replace(name, "5m" if name == "$__rate_interval" else "x") for query in queries]
    for query in queries:
        if "$" in query:
            wrong.append(f"dashboard.json: a variable that is none: {query}")
    if said_of_them := readable(promtool, queries):
        wrong.append(f"dashboard.json: {said_of_them}")
    # The check itself can fail.
    if readable(promtool, ["sum by (x) (rate(y[5m]"]) is None:
        wrong.append("a broken query was taken for one")

    groups = yaml.safe_load((FOLDER / "anagrafe.rules.yaml").read_text())["groups"]
    wrong += scraped(promtool, sys.argv[2] if len(sys.argv) > 2 else "kubectl", groups)
    tests = [test for path in sorted(HERE.glob("alerts*.yaml")) for test in yaml.safe_load(path.read_text())["tests"]]
    raised = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}
    sections = said.anchors((said.DEPLOY / "README.md").read_text())
    for rule in [rule for group in groups for rule in group["rules"]]:
        name = rule["alert"]
        if rule["labels"].get("severity") not in {"critical", "warning", "info"}:
            wrong.append(f"{name}: no severity")
        page, _, section = rule["annotations"].get("runbook", "").partition("#")
        if page != "deploy/README.md" or section not in sections:
            wrong.append(f"{name}: its runbook is no section of deploy/README.md")
        if name not in raised:
            wrong.append(f"{name}: no test in tests/deploy/alerts*.yaml raises it")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"{len(panels)} panels, {len(queries)} queries, {len(raised)} alerts")


if __name__ == "__main__":
    main()
