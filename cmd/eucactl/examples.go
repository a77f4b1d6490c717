package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are shown in the help of commands that say none themselves.
func examples() map[string]string {
	return map[string]string{
		"describe-instances":          "eucactl describe-instances\neucactl describe-instances i-1a2b3c4d -o json",
		"reboot-instances":            "eucactl reboot-instances i-1a2b3c4d",
		"terminate-instances":         "eucactl terminate-instances i-1a2b3c4d i-5e6f7a8b --wait",
		"get-console-output":          "eucactl get-console-output i-1a2b3c4d",
		"deregister":                  "eucactl deregister emi-1a2b3c4d",
		"describe-images":             "eucactl describe-images\neucactl describe-images emi-1a2b3c4d -o yaml",
		"create-keypair":              "eucactl create-keypair mykey -f mykey.pem",
		"import-keypair":              "eucactl import-keypair mykey -f ~/.ssh/id_ed25519.pub",
		"delete-keypair":              "eucactl delete-keypair mykey",
		"describe-keypairs":           "eucactl describe-keypairs",
		"create-group":                "eucactl create-group web -d 'web servers'",
		"delete-group":                "eucactl delete-group web",
		"describe-group":              "eucactl describe-group\neucactl describe-group web",
		"allocate-address":            "eucactl allocate-address",
		"associate-address":           "eucactl associate-address 203.0.113.10 i-1a2b3c4d",
		"disassociate-address":        "eucactl disassociate-address 203.0.113.10",
		"release-address":             "eucactl release-address 203.0.113.10",
		"describe-addresses":          "eucactl describe-addresses\neucactl describe-addresses --all",
		"describe-availability-zones": "eucactl describe-availability-zones -v",
		"describe-instance-types":     "eucactl describe-instance-types",
		"modify-instance-type":        "eucactl modify-instance-type m1.small --memory 512 --disk 5",
		"create-user":                 "eucactl create-user alice\neucactl --as alice describe-group",
		"describe-users":              "eucactl describe-users",
		"hosts list":                  "eucactl hosts list\neucactl hosts list 'nodes:!node3'",
		"hosts scan":                  "eucactl hosts scan\neucactl hosts scan node7 --yes",
		"hosts take-over":             "eucactl hosts take-over node7",
		"hosts declare-dead":          "eucactl hosts declare-dead node7 --why 'its disks burnt'\neucactl hosts declare-dead node7 --undo",
		"why":                         "eucactl why i-1a2b3c4d unreachable\neucactl why i-1a2b3c4d unreachable from 198.51.100.7:80\neucactl why i-1a2b3c4d pending",
		"inventory":                   "eucactl inventory --list\neucactl inventory --host node7",
		"sim":                         "eucactl state export >tonight.dump\neucactl sim --state tonight.dump -- run-instances emi-1a2b3c4d -n 3 -- terminate-instances i-5e6f7a8b\neucactl sim --histories 2000",
		"inventory import":            "eucactl inventory import eucalyptus.conf --frontend fe1=192.0.2.1 --node-conf node.conf -f inventory.yml\neucactl inventory import eucalyptus.conf eucalyptus.local.conf --node n1=192.0.2.11 --node n2=192.0.2.12 --node-conf n2=n2.conf",
		"serve":                       "eucactl serve\neucactl serve --poll 6s --reconcile 5m --bury 1h",
		"reconcile":                   "eucactl reconcile\neucactl reconcile nodes --limit '!node7' --check --diff",
		"check hosts":                 "eucactl check hosts\neucactl check hosts 'nodes:!node7' -o json",
		"check network":               "eucactl check network --check\neucactl check network --vlan 100\neucactl check network --from client1",
		"support-bundle":              "eucactl support-bundle\neucactl support-bundle 'fe1:node7' --file trouble.tar.gz",
		"plan":                        "eucactl plan node7\neucactl plan node7 -o json",
		"state export":                "eucactl state export >tonight.dump",
		"state log":                   "eucactl state log --from 100",
		"playbook":                    "eucactl playbook -i inventory.ini site.yml --check --diff\neucactl playbook -i inventory.ini site.yml --limit web --tags config\neucactl playbook -i inventory.ini site.yml --resume",
		"run":                         "eucactl run -i inventory.ini web -a uptime\neucactl run -i inventory.ini all -m service -a 'name=nginx state=restarted' -b",
		"doc":                         "eucactl doc\neucactl doc lineinfile",
		"vault encrypt":               "eucactl vault encrypt group_vars/all/secrets.yml --vault-password-file ~/.vault",
		"vault decrypt":               "eucactl vault decrypt secrets.yml --output -",
		"vault view":                  "eucactl vault view secrets.yml",
		"vault edit":                  "eucactl vault edit secrets.yml --vault-id prod@~/.vault-prod",
		"vault rekey":                 "eucactl vault rekey secrets.yml --new-vault-password-file ~/.vault-new",
		"vault encrypt_string":        "eucactl vault encrypt_string --name db_password",
		"playbook eject":              "eucactl playbook eject ./mine\neucactl --playbooks ./mine reconcile --check --diff",
	}
}

// illustrate gives the commands below one their examples.
func illustrate(cmd *cobra.Command, path string, all map[string]string) {
	for _, sub := range cmd.Commands() {
		name := path + sub.Name()
		if text := all[name]; text != "" && sub.Example == "" {
			sub.Example = "  " + strings.ReplaceAll(text, "\n", "\n  ")
		}
		illustrate(sub, name+" ", all)
	}
}
