"""deploy/systemd/anagrafectl hands over what the unit would: asked of a systemctl that answers as systemd 252 did of the drop-in
below, and looked at in what it would have systemd-run start. tests/deploy/deb asks the true ones.

    by_unit.py
"""

import os
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "anagrafectl"
# What the files say (`systemctl cat`). Of it only the credentials are read from here.
CAT = r"""
# /lib/systemd/system/anagrafe.service
[Service]
LoadCredential=forgotten:/etc/anagrafe/forgotten
Environment=FORGOTTEN=1
# /etc/systemd/system/anagrafe.service.d/test.conf
[Service]
LoadCredential=
LoadCredential = shop.secret:/etc/anagrafe/100%% shop.secret
LoadCredential=vivocha.secret:/etc/anagrafe/vivocha.secret
LoadCredentialEncrypted=hash.key:/etc/anagrafe/hash.key.cred
SetCredential=plain:one two
SetCredentialEncrypted=token: \
        k6iUCUh0RJCQyvL8k8q1UyAAAAAB \
# A comment in between.
        AAAADAAAABAAAAC1lFmbWAqWZ8dC
Environment="T1=with space" T2=two 'T3=single "quoted" $dollar `tick` \\ back' T4=100%%
EnvironmentFile=/etc/anagrafe/environment
EnvironmentFile=-/etc/anagrafe/more of it
UnsetEnvironment=T2
""".lstrip("\n")
# What it made of them (`systemctl show --value`).
SHOW = {
    "Environment": r'KEY_FILE=/run/credentials/anagrafe.service/shop.secret "T1=with space" T2=two '
                   r'"T3=single \"quoted\" \$dollar \`tick\` \\ back" "T5=\\\$x" T4=100% "T7=tab\there"',
    "EnvironmentFiles": "/etc/anagrafe/environment (ignore_errors=no)\n/etc/anagrafe/more of it (ignore_errors=yes)",
    "PassEnvironment": "",
    "UnsetEnvironment": "T2",
}
WANTED = [
    r'--property=Environment=KEY_FILE=/run/credentials/UNIT.service/shop.secret "T1=with space" T2=two '
    r'"T3=single \"quoted\" $dollar `tick` \\ back" "T5=\\$x" T4=100% "T7=tab\there"',
    "--property=UnsetEnvironment=T2",
    "--property=EnvironmentFile=/etc/anagrafe/environment",
    "--property=EnvironmentFile=-/etc/anagrafe/more of it",
    "--property=LoadCredential=shop.secret:/etc/anagrafe/100% shop.secret",
    "--property=LoadCredential=vivocha.secret:/etc/anagrafe/vivocha.secret",
    "--property=LoadCredentialEncrypted=hash.key:/etc/anagrafe/hash.key.cred",
    "--property=SetCredential=plain:one two",
    "--property=SetCredentialEncrypted=token: k6iUCUh0RJCQyvL8k8q1UyAAAAAB AAAADAAAABAAAAC1lFmbWAqWZ8dC",
    "--setenv=SUDO_USER=rossi",
]
COMMAND = ["explain", "contact", "1 2", "*", "--property=none of ours"]


def asked(cat, show, command):
    """How it ended, and the arguments that systemd-run was given."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "cat").write_text(cat)
        for name, value in show.items():
            (folder / name).write_text(value + "\n")
        for name, text in {
            "systemctl": f'if [ "$1" = cat ]; then exec cat {folder}/cat; fi; exec cat "{folder}/${{3#--property=}}"',
            "systemd-run": "printf '%s\\0' \"$@\"",
            "id": "echo 0",
        }.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SUDO_USER": "rossi"}
        run = subprocess.run(["sh", SCRIPT, *command], env=environment, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout.split("\0")[:-1], run.stderr


def main():
    wrong = []
    code, arguments, said = asked(CAT, SHOW, COMMAND)
    unit = next((argument.partition("=")[2] for argument in arguments if argument.startswith("--unit=")), "")
    if code != 0 or said or not unit.startswith("anagrafe-by-hand-"):
        wrong.append(f"it ended with {code}: {said} {arguments}")
    # A join leaves more than one space, which nobody minds.
    given = [" ".join(argument.replace(unit, "UNIT").split()) for argument in arguments]
    if arguments[arguments.index("/usr/bin/anagrafe"):] != ["/usr/bin/anagrafe", *COMMAND]:
        wrong.append(f"the command is another: {arguments}")
    for wanted in WANTED:
        if wanted not in given:
            wrong.append(f"not handed over: {wanted}, of {given}")
    if any("forgotten" in argument.lower() for argument in given):
        wrong.append(f"what was emptied is handed over: {given}")
    files = [argument for argument in given if "EnvironmentFile" in argument]
    if files != sorted(files, key=WANTED.index):
        wrong.append(f"the last file is to win: {files}")
    # Else a credential would be looked for where none is.
    code, arguments, said = asked(CAT + "LoadCredential=x:/etc/%p/x\n", SHOW, ["status"])
    if code != 2 or arguments or "%p" not in said:
        wrong.append(f"a specifier that is not filled in: {code} {said}")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        sys.exit(1)
    print(f"anagrafectl hands over {len(WANTED)} things of the unit")


if __name__ == "__main__":
    main()
