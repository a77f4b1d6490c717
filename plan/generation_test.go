package plan

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// generationOf is what anybody can compute from the first rules of a table's chains.
func generationOf(t Table) (claimed, computed string) {
	var lines []string
	for _, c := range t.Chains {
		words := strings.Fields(c.Mark)
		if last := words[len(words)-1]; c.Name == GenerationChain {
			claimed = last
		} else {
			lines = append(lines, c.Name+" "+last+"\n")
		}
	}
	slices.Sort(lines)
	return claimed, fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, ""))))[:12]
}

func TestGeneration(t *testing.T) {
	chains := func() Table {
		return Table{Chains: []Chain{
			{Name: "b", Mark: "eucactl c10d0001 sg-1", Rules: []Rule{{Proto: "tcp", Ports: "22", Target: "ACCEPT"}}},
			{Name: "a", Mark: "eucactl c10d0001 sg-2", Rules: []Rule{{Source: cidr("10.0.0.0/8"), Target: "ACCEPT"}}},
		}}
	}
	one := chains().stamped("eucactl c10d0001")
	if claimed, computed := generationOf(one); claimed != computed || len(claimed) != 12 {
		t.Errorf("%s %s", claimed, computed)
	}
	other := chains()
	other.Chains[0].Rules[0].Ports = "23"
	other = other.stamped("eucactl c10d0001")
	for i, changed := range []bool{true, false, true} {
		if (one.Chains[i].Mark != other.Chains[i].Mark) != changed {
			t.Errorf("%s and %s: changed should be %v", one.Chains[i].Mark, other.Chains[i].Mark, changed)
		}
	}
}

// Every field of a rule counts.
func TestGenerationKnowsEveryField(t *testing.T) {
	seen := map[string]string{shortSum(appendRules(nil, []Rule{{}})): "nothing"}
	for i := range reflect.TypeFor[Rule]().NumField() {
		var r Rule
		field := reflect.TypeFor[Rule]().Field(i)
		switch v := reflect.ValueOf(&r).Elem().Field(i); v.Interface().(type) {
		case string:
			v.SetString("x")
		case bool:
			v.SetBool(true)
		case int:
			v.SetInt(80)
		default:
			v.Set(map[bool]reflect.Value{true: reflect.ValueOf(ip("10.0.0.1")), false: reflect.ValueOf(cidr("10.0.0.0/8"))}[field.Name == "To"])
		}
		s := shortSum(appendRules(nil, []Rule{r}))
		if other, twice := seen[s]; twice {
			t.Errorf("%s has the sum of %s", field.Name, other)
		}
		seen[s] = field.Name
	}
}
