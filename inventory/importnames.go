package inventory

import (
	"fmt"
	"sort"
	"strings"

	"eucactl/spelling"
)

// confSetting is a setting of eucalyptus.conf that an inventory has too.
type confSetting struct {
	name     string // as eucalyptus.conf has it
	variable string // as the inventory has it
	frontend []Mode // in which modes a frontend's counts
	node     []Mode // in which modes a node's counts
	form     confForm
}

// confForm is how a value is written in the inventory.
type confForm int

const (
	asOneWord confForm = iota
	asNumber
	asWords
)

// confSettings lists them in the order in which an inventory is written.
func confSettings() []confSetting {
	var (
		every   = []Mode{System, Static, Managed, ManagedNoVLAN}
		leases  = []Mode{Static, Managed, ManagedNoVLAN} // where a dhcpd is ours
		static  = []Mode{Static}
		groups  = []Mode{Managed, ManagedNoVLAN}
		vlans   = []Mode{Managed}
		bridges = []Mode{System, Static, ManagedNoVLAN}
	)
	return []confSetting{
		{"VNET_MODE", "vnet_mode", every, nil, asOneWord},
		{"VNET_SUBNET", "vnet_subnet", leases, nil, asOneWord},
		{"VNET_NETMASK", "vnet_netmask", leases, nil, asOneWord},
		{"VNET_BROADCAST", "vnet_broadcast", static, nil, asOneWord},
		{"VNET_ROUTER", "vnet_router", static, nil, asOneWord},
		{"VNET_DNS", "vnet_dns", leases, nil, asWords},
		{"VNET_DOMAINNAME", "vnet_domainname", leases, nil, asOneWord},
		{"VNET_ADDRSPERNET", "vnet_addrspernet", groups, nil, asNumber},
		{"VNET_PUBLICIPS", "vnet_publicips", groups, nil, asWords},
		{"VNET_MACMAP", "vnet_macmap", static, nil, asWords},
		{"VNET_DHCPDAEMON", "vnet_dhcpdaemon", leases, nil, asOneWord},
		{"VNET_DHCPUSER", "vnet_dhcpuser", leases, nil, asOneWord},
		{"VNET_LOCALIP", "vnet_localip", every, nil, asOneWord},
		{"VNET_CLOUDIP", "vnet_cloudip", every, nil, asOneWord},
		{"VNET_INTERFACE", "vnet_interface", leases, vlans, asOneWord},
		{"VNET_PUBINTERFACE", "vnet_pubinterface", leases, vlans, asOneWord},
		{"VNET_PRIVINTERFACE", "vnet_privinterface", leases, vlans, asOneWord},
		{"VNET_BRIDGE", "vnet_bridge", nil, bridges, asOneWord},
		{"HYPERVISOR", "hypervisor", nil, every, asOneWord},
		{"MAX_CORES", "node_cores", nil, every, asNumber},
		{"MAX_MEM", "node_memory", nil, every, asNumber},
		{"MAX_DISK", "node_disk", nil, every, asNumber},
		{"NODES", "", every, nil, asWords},
	}
}

// uselessSettings are the settings of Eucalyptus 1.5 to 2.0 that have no effect
// here, by the reason.
func uselessSettings() map[string]string {
	all := make(map[string]string)
	for reason, names := range map[string]string{
		"nothing of Eucalyptus runs on the hosts, which are reached over SSH": "EUCALYPTUS EUCA_USER CLOUD_OPTS JVM_MEM ENABLE_WS_SECURITY " +
			"LOGLEVEL LOGROLLNUMBER CC_PORT CC_SERVICE NC_PORT NC_SERVICE VNET_PORT AXIS2C_HOME APACHE2_BIN HTTPD REGISTERED_PATH",
		"nodes are taken in turn (ROUNDROBIN) and never put to sleep": "SCHEDPOLICY POWER_IDLETHRESH POWER_WAKETHRESH",
		"there is no DNS, no volume and no tunnel to switch off":      "DISABLE_DNS DISABLE_EBS DISABLE_ISCSI DISABLE_TUNNELLING DISABLE_TUNNELING",
		"disks and devices of instances are not configured in the inventory": "INSTANCE_PATH NC_CACHE_SIZE NC_WORK_SIZE NC_WORK_OVERHEAD_SIZE SWAP_SIZE " +
			"MANUAL_INSTANCES_CLEANUP CONCURRENT_DISK_OPS CONCURRENT_CLEANUP_OPS USE_VIRTIO_NET USE_VIRTIO_DISK USE_VIRTIO_ROOT " +
			"DISABLE_KEY_INJECTION DISABLE_CACHE_SNAPSHOTS NC_BUNDLE_UPLOAD_PATH NC_CHECK_BUCKET_PATH NC_DELETE_BUNDLE_PATH",
	} {
		for _, name := range strings.Fields(names) {
			all[name] = reason
		}
	}
	return all
}

// confVocabulary knows the names of eucalyptus.conf.
type confVocabulary struct {
	settings map[string]confSetting
	useless  map[string]string
	vnet     []string // names that begin with VNET_, sorted
	other    []string // the other ones that mean something, sorted
}

func newConfVocabulary() confVocabulary {
	v := confVocabulary{settings: make(map[string]confSetting), useless: uselessSettings()}
	for _, s := range confSettings() {
		v.settings[s.name] = s
		if strings.HasPrefix(s.name, "VNET_") {
			v.vnet = append(v.vnet, s.name)
		} else {
			v.other = append(v.other, s.name)
		}
	}
	sort.Strings(v.vnet)
	sort.Strings(v.other)
	return v
}

// known says whether the name is one of Eucalyptus'.
func (v confVocabulary) known(name string) bool {
	_, isSetting := v.settings[name]
	return isSetting || v.useless[name] != ""
}

// meant is the setting that a wrong name was probably meant to be, or "".
func (v confVocabulary) meant(name string) string {
	upper := strings.ToUpper(name)
	if v.known(upper) {
		return upper
	}
	if strings.HasPrefix(upper, "VNET") || strings.Contains(upper, "NET_") {
		return spelling.Nearest(upper, v.vnet)
	}
	for _, known := range v.other {
		if spelling.Distance(upper, known) <= 1+len(known)/8 {
			return known
		}
	}
	return ""
}

// modeList names modes for a message.
func modeList(list []Mode) string {
	var words []string
	for _, m := range list {
		words = append(words, string(m))
	}
	return joined(words)
}

func inMode(list []Mode, m Mode) bool {
	for _, one := range list {
		if one == m {
			return true
		}
	}
	return false
}

// placeholder recognises what the guide and the file's own comments print where a
// value goes.
func placeholder(value string) error {
	angled := strings.HasPrefix(value, "<") && strings.Contains(value, ">")
	if !angled && !strings.HasPrefix(value, "your-") {
		return nil
	}
	return fmt.Errorf("%s is the placeholder of an example; write the real value", shown(value))
}
