# Answers host patterns with Ansible itself: patterns.py INVENTORY PATTERN... prints
# a JSON list of lists of host names. "PATTERN -l LIMIT" limits a pattern.
import json
import sys

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

manager = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])


def answer(words):
    pattern, _, limit = words.partition(" -l ")
    manager.subset(limit or None)
    manager.clear_pattern_cache()
    return [h.name for h in manager.get_hosts(pattern)]


print(json.dumps([answer(p) for p in sys.argv[2:]]))
