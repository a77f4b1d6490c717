"""Reads {"vars": {...}, "cases": [text, ...]} and writes what Ansible makes of each text."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

given = json.load(sys.stdin)
templar = Templar(loader=DataLoader(), variables=given["vars"])
out = []
for text in given["cases"]:
    try:
        out.append({"value": json.loads(json.dumps(templar.template(text), default=str))})
    except Exception as e:
        out.append({"error": "%s: %s" % (type(e).__name__, e)})
json.dump(out, sys.stdout)
