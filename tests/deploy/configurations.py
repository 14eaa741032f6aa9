"""Every configuration in deploy/, as it would be found where it is meant to lie, is valid to the program itself: the files alone,
the units with each of their drop-ins, what is rendered for Kubernetes. Secrets are made up.

    configurations.py ANAGRAFE [KUBECTL]
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import manifests

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
# What a drop-in presupposes of the file.
PRESUPPOSED = {
    "second-shop.conf": '\n[shops.outlet]\nurl = "https://outlet.example.com"\n',
    "alerts.conf": '\n[alerts]\nurl = "https://hooks.example.com/anagrafe"\n',
    # A previous key is one before another.
    "previous-hash-key.conf": '\n[store]\nhash_key_file = "hash.key"\n',
    # Postgres wants a key that is given.
    "postgres.conf": '\n[store]\nhash_key_file = "hash.key"\n',
}


def made_up(name):
    if "url" in name:
        return "postgres://anagrafe:made-up@db.example/anagrafe"
    return ("5" if "previous" in name else "a") * 64 if "hash" in name else f"made up for {name}"


def judged(binary, text, variables, credentials=(), mounted="/etc/anagrafe"):
    """Whether it is valid, and what is said of it. `{d}` in a variable, and what is mounted, is the folder of the file."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "anagrafe.toml").write_text(text)
        for name in [*re.findall(r'^\w+_file = "([^"]+)"', text, re.M), *credentials]:
            if not name.startswith("/"):
                (folder / name).write_text(made_up(name) + "\n")
        environment = {"STATE_DIRECTORY": str(folder / "state")}
        for name, value in variables.items():
            value = value.replace("%d", str(folder))
            if value.startswith(mounted + "/"):
                value = str(folder / value.removeprefix(mounted + "/"))
            environment[name] = value
        run = subprocess.run([binary, "--config", folder / "anagrafe.toml", "config", "validate"],
                             env=environment, capture_output=True, text=True, check=False)
        return run.returncode == 0, (run.stdout + run.stderr).strip()


def of_units(lines):
    """The variables of ours and the names of the credentials."""
    variables, credentials = {}, []
    for line in lines:
        if match := re.fullmatch(r"Environment=(ANAGRAFE__\w+)=(.*)", line):
            variables[match[1]] = match[2]
        if match := re.fullmatch(r"LoadCredential=([^:]+):(/\S+)", line):
            credentials.append(match[1])
    return variables, credentials


def cases(kubectl):
    for path in sorted(DEPLOY.rglob("*.toml")):
        yield path.relative_to(DEPLOY.parent), path.read_text(), {}, ()
    packaged = (DEPLOY / "debian" / "anagrafe.toml").read_text()
    drop_ins = sorted((DEPLOY / "systemd" / "drop-ins").glob("*.conf"))
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        lines = unit.read_text().splitlines()
        for drop_in in [None, *drop_ins]:
            more = drop_in.read_text().splitlines() if drop_in else []
            name = drop_in.name if drop_in else ""
            yield f"{unit.name} {name}".strip(), packaged + PRESUPPOSED.get(name, ""), *of_units(lines + more)
    for name, things in manifests.rendered(kubectl).items():
        texts = {(thing["metadata"].get("namespace"), thing["metadata"]["name"]): thing["data"]["anagrafe.toml"]
                 for thing in things if thing["kind"] == "ConfigMap"}
        for thing in things:
            template = manifests.pod_template(thing)
            if not template:
                continue
            spec = template["spec"]
            # It is found where the program looks for it.
            mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
            mounted = next(volume for volume in spec["volumes"] if mounts[volume["name"]] == "/etc/anagrafe")
            source = next(source["configMap"]["name"] for source in mounted["projected"]["sources"] if "configMap" in source)
            variables = {each["name"]: each["value"] for each in spec["containers"][0]["env"] if each["name"].startswith("ANAGRAFE__")}
            named = [value.rpartition("/")[2] for value in variables.values() if value.startswith("/etc/anagrafe/")]
            yield f"{name}: {thing['metadata']['name']}", texts[thing["metadata"].get("namespace"), source], variables, named


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    kubectl = sys.argv[2] if len(sys.argv) > 2 else "kubectl"
    wrong, count, last = [], 0, None
    for name, text, variables, credentials in cases(kubectl):
        count += 1
        handed = {value.removeprefix("%d/") for value in variables.values() if value.startswith("%d/")}
        if any("%d" in value for value in variables.values()) and handed != set(credentials):
            wrong.append(f"{name}: the credentials {sorted(credentials)} are not those that variables name, {sorted(handed)}")
        fine, said = judged(binary, text, variables, credentials)
        if not fine:
            wrong.append(f"{name}: {said}")
        last = (text, variables, credentials)
    # The check itself can fail.
    text, variables, credentials = last
    for bad in [(text, {**variables, "ANAGRAFE__STORE__LEESE": "90s"}), (text + "\n[stroe]\n", variables)]:
        if judged(binary, *bad, credentials)[0]:
            wrong.append("an unknown variable or table was found valid")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"{count} configurations valid")


if __name__ == "__main__":
    main()
