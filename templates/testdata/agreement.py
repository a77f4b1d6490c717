"""Reads {"vars": {...}, "cases": [[kind, text], ...]} and writes what Ansible makes of each.

A text is one of a playbook, a file is a template's, a condition is one of when.
"""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.conditional import Conditional
from ansible.template import Templar

given = json.load(sys.stdin)
loader = DataLoader()
templar = Templar(loader=loader, variables=given["vars"])


def answer(kind, text):
    if kind == "file":
        return templar.do_template(text, escape_backslashes=False, preserve_trailing_newlines=True)
    if kind == "condition":
        c = Conditional(loader=loader)
        c.when = [text]
        return c.evaluate_conditional(templar, given["vars"])
    return templar.template(text)


out = []
for kind, text in given["cases"]:
    try:
        out.append({"value": json.loads(json.dumps(answer(kind, text), default=str))})
    except Exception as e:
        out.append({"error": "%s: %s" % (type(e).__name__, e)})
json.dump(out, sys.stdout)
