# Answers host patterns with Ansible itself: patterns.py INVENTORY PATTERN... prints
# a JSON list of lists of host names.
import json
import sys

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

manager = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
print(json.dumps([[h.name for h in manager.get_hosts(p)] for p in sys.argv[2:]]))
