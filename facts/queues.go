package facts

import (
	"encoding/json"
	"fmt"
)

// QueuesScript prints how packets wait before they leave by each interface, as
// iproute2's JSON. Without tc nobody has changed that.
const QueuesScript = `
command -v tc >/dev/null || { echo '[]'; exit 0; }
tc -j qdisc show || exit 2
`

// A Queue is a discipline of an interface that loses or slows packets on purpose.
type Queue struct {
	Dev  string
	Kind string
	Loss float64 // of netem: the part of packets that is lost
	Rate int     // of tbf and netem: bytes a second; 0 is no limit
}

// ReadQueues reads what QueuesScript printed. Disciplines that only sort are left out.
func ReadQueues(text string) (list []Queue, err error) {
	var raw []struct {
		Kind    string          `json:"kind"`
		Dev     string          `json:"dev"`
		Options json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	for _, r := range raw {
		q := Queue{Dev: r.Dev, Kind: r.Kind}
		var o struct {
			Rate   json.RawMessage `json:"rate"` // a number, of netem an object
			Random struct {
				Loss float64 `json:"loss"`
			} `json:"loss-random"`
		}
		if r.Kind != "netem" && r.Kind != "tbf" || json.Unmarshal(r.Options, &o) != nil {
			continue
		}
		q.Loss = o.Random.Loss
		var slow struct {
			Rate int `json:"rate"`
		}
		if json.Unmarshal(o.Rate, &q.Rate) != nil && json.Unmarshal(o.Rate, &slow) == nil {
			q.Rate = slow.Rate
		}
		list = append(list, q)
	}
	return list, nil
}
