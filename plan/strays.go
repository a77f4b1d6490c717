package plan

import "eucactl/cloud"

// Strays are the machines on a host that bear our prefix but that no record names.
// They are reported and never touched. Foreign ones are somebody else's.
func Strays(r Records, seen cloud.Seen) (strays, foreign []string) {
	c, _ := r.Cloud()
	for _, d := range seen.Domains {
		id, ours := cloud.ParseID(d.Name, cloud.InstancePrefix)
		if !ours || id != d.Name || d.Cloud != "" && d.Cloud != c.ID {
			foreign = append(foreign, d.Name)
			continue
		}
		if _, ok := r.Instance(cloud.InstanceID(id)); !ok {
			strays = append(strays, d.Name)
		}
	}
	return strays, foreign
}
