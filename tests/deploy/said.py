"""What the pages, comments and units of deploy/ say is there: every command and flag of the program, every file, every section. And
what the daemon can post as an alert, and each hold, has its row in deploy/README.md.

    said.py ANAGRAFE
"""

import functools
import pathlib
import re
import shlex
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROGRAM = re.compile(r"(?:^|[\s(])(?<!-u )(?<!-g )(?<!-n )(?<!generic )(?:/usr/(?:local/)?bin/)?(anagrafe|anagrafectl) ([^|>;&)#\n]*)")
# Options with a value of their own behind them.
VALUED = {"--config", "--ok-if", "--shop", "--limit", "--contact", "--from", "--out", "--write-probe", "--email", "--phone",
          "--lift", "--contacts", "--seed", "--state"}


@functools.cache
def help_of(binary, commands):
    """The text, or nothing where there is no such command."""
    run = subprocess.run([binary, *commands, "--help"], capture_output=True, text=True, check=False)
    return run.stdout if run.returncode == 0 else None


def subcommands(text):
    block = re.search(r"^Commands:\n((?:  .*\n|\n)*)", text, re.M)
    return set(re.findall(r"^  (\S+)", block[1], re.M)) if block else set()


def missing(binary, words):
    """What of a command line is not there."""
    path, rest = (), list(words)
    while rest:
        word = rest.pop(0)
        text = help_of(binary, path)
        if word.startswith("-"):
            name = word.split("=")[0]
            if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
                return f"{' '.join(path) or 'anagrafe'} has no {name}"
            if name in VALUED and "=" not in word and rest:
                rest.pop(0)
        elif subcommands(text):
            if word not in subcommands(text):
                return f"no command {' '.join([*path, word])}"
            path = (*path, word)
            if help_of(binary, path) is None:
                return f"no command {' '.join(path)}"
        # Else it is an argument, of which the help says no more than its name.
    return None


def command_lines(binary, path):
    """Each with its line: in a page's code, in backticks, and what units and manifests start."""
    text = path.read_text()
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix == ".md" and line.startswith("```"):
            fenced = not fenced
            continue
        pieces = [line] if fenced or line.startswith(("Exec", "    exec")) else re.findall(r"`([^`]+)`", line)
        # A crontab names minute, user and all before the program; a comment follows the command.
        for piece in pieces:
            for _, rest in PROGRAM.findall(" " + piece):
                try:
                    words = shlex.split(rest, comments=True)
                except ValueError:
                    words = rest.split()
                if words and (re.match(r"[a-z-]", words[0])) and not words[0].endswith((":", ".", ",")):
                    yield number, [word for word in words if word not in {"…", "\\"}]
        # A page names most of them by the command alone.
        for piece in re.findall(r"`([a-z][^`]+)`", "" if fenced else line):
            if path.suffix == ".md" and (words := piece.split())[0] in subcommands(help_of(binary, ())):
                yield number, words
        if match := re.match(r"\s*args: (\[.*\])$", line):
            yield number, yaml.safe_load(match[1])
        if match := re.match(r"(?:ENTRYPOINT|CMD) (\[.*\])$", line):
            yield number, yaml.safe_load(match[1])[0 if line.startswith("CMD") else 1:]


def anchors(page):
    """As they are made of headings: lower case, spaces to hyphens, nothing but letters, digits, hyphens and underscores."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.S), re.M)
    out = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return out | set(re.findall(r'<a id="([^"]+)">', page))


def words(source, function, enum="Self"):
    """Variant and word, of a function of a file of the model that gives each variant its word."""
    body = re.search(rf"fn {function}\(self\).*?\n    }}\n", (ROOT / "src" / "model" / source).read_text(), re.S)[0]
    return dict(re.findall(rf'{enum}::(\w+)(?:\(_\))?\)* => "(\w*)"', body))


def posted():
    """Subject and kind of everything that the daemon can post."""
    subjects, passes, holds = words("alert.rs", "word"), words("run.rs", "as_str"), words("hold.rs", "as_str")
    kinds = {
        "Failed": set(passes.values()),
        "Held": {*holds.values(), *words("alert.rs", "kind", "HeldBy").values()},
        "Doubt": {""},
        # A survey is part of a sync, and is stale with it.
        "Stale": {passes[variant] for variant in re.search(
            r"for pass in \[Pass::(\w+), Pass::(\w+)\]", (ROOT / "src" / "plan" / "alerts.rs").read_text()).groups()},
    }
    return [(word, kind) for variant, word in subjects.items() for kind in kinds[variant]]


def unexplained(page, pairs):
    """What is posted and has no row, and holds without one."""
    rows = [row.split("|")[1] for row in re.findall(r"^\| `.*$", page, re.M)]
    for word, kind in pairs:
        if not any(cell.startswith(f" `{word}`") and (f"`{kind}`" in cell if kind else "`" not in cell[len(word) + 3:]) for cell in rows):
            yield f"deploy/README.md: nothing of an alert `{word}`, `{kind}`"
    for kind in words("hold.rs", "as_str").values():
        if f'<a id="hold-{kind}"></a>`{kind}`' not in page:
            yield f"deploy/README.md: nothing of the hold `{kind}`"


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    wrong, commands = [], 0
    readme = (DEPLOY / "README.md").read_text()
    files = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and path.suffix != ".json"]
    for path in files:
        shown = path.relative_to(ROOT)
        for number, words in command_lines(binary, path):
            commands += 1
            if said := missing(binary, words):
                wrong.append(f"{shown}:{number}: {said}")
        text = path.read_text()
        for named in re.findall(r"deploy/README\.md#([\w-]+)", text):
            if named not in anchors(readme):
                wrong.append(f"{shown}: deploy/README.md has no section #{named}")
        # Files of ours, also as the package lays them.
        for named in re.findall(r"(?<![\w.])(?:/usr/share/doc/anagrafe/)?((?:deploy|config|tests|src|migrations)/[\w./-]*\w)", text):
            if not (ROOT / named).exists() and not named.endswith(("/v2", "/v1")):
                wrong.append(f"{shown}: there is no {named}")
    # Typed in the checkout, whose ./config/anagrafe.toml comes before the one in /etc.
    bare = [line for line in readme.splitlines() if re.match(r"sudo .*\banagrafe [a-z]", line) and "--config" not in line]
    wrong += [f"deploy/README.md: without --config it reads the template: {line}" for line in bare]
    for target in re.findall(r"\]\(([^)\s]+)\)", readme):
        page, _, section = target.partition("#")
        if "://" in target:
            continue
        if page and not (DEPLOY / page).exists():
            wrong.append(f"deploy/README.md: there is no {page}")
        if section and section not in anchors((DEPLOY / page).read_text() if page else readme):
            wrong.append(f"deploy/README.md: no section #{section}")
    pairs = posted()
    wrong += unexplained(readme, pairs)
    # The checks themselves can fail.
    if len(pairs) < 13 or not any(unexplained(readme.replace("`doubted`", "doubted"), pairs)) or not any(unexplained(readme, [("held", "new")])):
        wrong.append(f"an alert without a row went by, of {pairs}")
    for words in [["snyc"], ["sync", "--slow"], ["holds", "relese", "1"], ["sync", "--ok-if"[:-1], "busy"]]:
        if missing(binary, words) is None:
            wrong.append(f"`anagrafe {' '.join(words)}` was taken for a command")
    if commands < 20:
        wrong.append(f"only {commands} commands were found: does the check still see them?")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"{commands} command lines there, all files and sections, and {len(pairs)} kinds of alerts")


if __name__ == "__main__":
    main()
