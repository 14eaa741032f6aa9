"""Changes to what was rendered: one mistake, or one component, at a time."""

import contextlib
import copy
import os
import pathlib
import re
import shutil
import tempfile


@contextlib.contextmanager
def overlay(deploy, of, component):
    """An overlay with a component, as a reader of its first line would write it."""
    # Kustomize takes folders by relative paths only.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="overlay-", dir=deploy.parents[1] / "target"))
    try:
        base, part = (os.path.relpath(deploy / path, folder) for path in [of, f"components/{component}"])
        (folder / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: anagrafe\n"
            f"resources: [{base}]\ncomponents: [{part}]\n")
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def as_written(deploy):
    """The overlay that deploy/README.md shows, beside this repository as it says."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="overlay-", dir=deploy.parents[1] / "target"))
    try:
        page = (deploy.parent / "README.md").read_text()
        text = re.search(r"```yaml\n# kustomization\.yaml.*?\n(.*?)```", page, re.S)[1]
        here = os.path.relpath(deploy, folder)
        text = text.replace("../anagrafe/deploy/kubernetes", here).replace("sha256:…", "sha256:" + "0" * 64)
        (folder / "kustomization.yaml").write_text(text)
        shutil.copy(deploy / "base" / "anagrafe.toml", folder)
        yield folder
    finally:
        shutil.rmtree(folder)


def changed(things, mistake):
    """`change: KIND a.b.0.c = value` sets it (null: takes it away) in every object of that kind; `CONTAINER.` and `POD.` stand for
    the way there."""
    things = copy.deepcopy(things)
    kind, path = mistake["change"].split(" ", 1)
    met = False
    for thing in things:
        if thing["kind"] != kind:
            continue
        pod = "spec.jobTemplate.spec.template.spec" if kind == "CronJob" else "spec.template.spec"
        way = path.replace("CONTAINER", f"{pod}.containers.0").replace("POD", pod).split(".")
        at = thing
        for step in way[:-1]:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        last = int(way[-1]) if isinstance(at, list) else way[-1]
        if mistake["to"] is None:
            del at[last]
        else:
            at[last] = mistake["to"]
        met = True
    assert met, f"nothing of kind {kind}"
    return things
