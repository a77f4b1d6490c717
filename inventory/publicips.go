package inventory

import (
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"
)

// maxPublicIPs bounds the public addresses of one cluster.
const maxPublicIPs = 1 << 16

// ipRange is the addresses from low to high, both included, and the word of the
// inventory that asked for them.
type ipRange struct {
	low, high uint32
	word      string
	item      int
}

func (r ipRange) size() int { return int(uint64(r.high) - uint64(r.low) + 1) }

func (r ipRange) overlaps(o ipRange) bool { return r.low <= o.high && o.low <= r.high }

// publicRanges is vnet_publicips before it is counted out: a few words can ask
// for many addresses, and only those of frontends are needed.
type publicRanges struct{ wanted, excluded []ipRange }

// ParsePublicIPs reads a list of public addresses: single ones, ranges
// (203.0.113.10-203.0.113.20 or 203.0.113.10-20), networks (203.0.113.0/24,
// its hosts only) and, after a !, any of these to take out again (of a network
// all addresses). The result is sorted.
func ParsePublicIPs(list []string) ([]netip.Addr, error) {
	r, err := parseRanges(list)
	if err != nil {
		return nil, err
	}
	return r.expand(), nil
}

func parseRanges(list []string) (publicRanges, error) {
	var out publicRanges
	var bad itemErrors
	for i, s := range list {
		bare, exclude := strings.CutPrefix(s, "!")
		r, err := parseIPRange(bare, !exclude)
		if err != nil {
			bad = append(bad, itemError{i, err})
			continue
		}
		r.word, r.item = s, i
		if exclude {
			out.excluded = append(out.excluded, r)
			continue
		}
		out.wanted = append(out.wanted, r)
	}
	if len(bad) > 0 {
		return out, bad
	}
	return out, out.check()
}

func parsePublicIPs(v any) (any, error) {
	list, err := words(v)
	if err != nil {
		return nil, err
	}
	return parseRanges(list)
}

// parseIPRange reads one word; with hosts set, of a network only its hosts.
func parseIPRange(s string, hosts bool) (ipRange, error) {
	if s == "" {
		return ipRange{}, fmt.Errorf("an empty word where an address is needed")
	}
	if strings.Contains(s, "/") {
		return parseNetworkRange(s, hosts)
	}
	first, last, isRange := strings.Cut(s, "-")
	low, err := parseUsableIPv4(first)
	if err != nil || !isRange {
		return ipRange{low: number4(low), high: number4(low)}, err
	}
	high, err := parseRangeEnd(low, last)
	if err != nil {
		return ipRange{}, fmt.Errorf("%s: %w", shown(s), err)
	}
	r := ipRange{low: toNumber(low), high: toNumber(high)}
	if r.high < r.low {
		return ipRange{}, fmt.Errorf("%s ends before it begins", shown(s))
	}
	if r.size() > maxPublicIPs {
		return ipRange{}, fmt.Errorf("%s has %d addresses; at most %d are possible", shown(s), r.size(), maxPublicIPs)
	}
	return r, nil
}

// number4 is toNumber for an address that may be missing after an error.
func number4(a netip.Addr) uint32 {
	if !a.Is4() {
		return 0
	}
	return toNumber(a)
}

// parseRangeEnd reads the end of a range: an address, or its last octet only.
func parseRangeEnd(low netip.Addr, s string) (netip.Addr, error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return parseUsableIPv4(s)
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil || len(s) > 1 && s[0] == '0' {
		return netip.Addr{}, fmt.Errorf("%s is not the last number of an address, from 0 to 255", shown(s))
	}
	b := low.As4()
	b[3] = byte(n)
	return netip.AddrFrom4(b), nil
}

func parseNetworkRange(s string, hosts bool) (ipRange, error) {
	w, err := parseSubnet(s)
	if err != nil {
		return ipRange{}, err
	}
	p := netip.PrefixFrom(w.addr, w.length)
	if p.Masked() != p {
		return ipRange{}, fmt.Errorf("%s has bits set after the /%d; write %s for the network or leave the /%d away for the address", shown(s), w.length, p.Masked(), w.length)
	}
	low, high := bounds(p)
	if uint64(high)-uint64(low) >= maxPublicIPs {
		return ipRange{}, fmt.Errorf("%s has more than the %d addresses that are possible", shown(s), maxPublicIPs)
	}
	if hosts && w.length < 31 {
		low, high = low+1, high-1
	}
	return ipRange{low: low, high: high}, nil
}

// bounds is the first and last address of a network.
func bounds(p netip.Prefix) (low, high uint32) {
	low = toNumber(p.Masked().Addr())
	return low, low | uint32(uint64(0xffffffff)>>p.Bits())
}

// check refuses words that ask for an address twice, and exclusions that
// exclude nothing: both are typing errors.
func (p publicRanges) check() error {
	sorted := append([]ipRange(nil), p.wanted...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].low < sorted[j].low })
	total := 0
	for i, r := range sorted {
		if i > 0 && r.overlaps(sorted[i-1]) {
			a, b := sorted[i-1], r
			if a.item > b.item {
				a, b = b, a
			}
			return itemError{b.item, fmt.Errorf("%s overlaps %s", shown(b.word), shown(a.word))}
		}
		if total += r.size(); total > maxPublicIPs {
			return fmt.Errorf("more than the %d addresses that are possible", maxPublicIPs)
		}
	}
	for _, e := range p.excluded {
		i := sort.Search(len(sorted), func(i int) bool { return sorted[i].high >= e.low })
		if i == len(sorted) || !sorted[i].overlaps(e) {
			return itemError{e.item, fmt.Errorf("%s excludes nothing: no other word has such an address", shown(e.word))}
		}
	}
	return nil
}

// expand lists the addresses wanted and not excluded, sorted. Only the
// wanted ones are counted out: exclusions may be many and wide.
func (p publicRanges) expand() []netip.Addr {
	gone := merged(p.excluded)
	var numbers []uint32
	for _, r := range p.wanted {
		for n := uint64(r.low); n <= uint64(r.high); n++ {
			at := uint32(n)
			i := sort.Search(len(gone), func(i int) bool { return gone[i].high >= at })
			if i == len(gone) || gone[i].low > at {
				numbers = append(numbers, at)
			}
		}
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	list := make([]netip.Addr, len(numbers))
	for i, n := range numbers {
		list[i] = fromNumber(n)
	}
	return list
}

// merged sorts ranges and joins those that overlap.
func merged(ranges []ipRange) []ipRange {
	sorted := append([]ipRange(nil), ranges...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].low < sorted[j].low })
	var out []ipRange
	for _, r := range sorted {
		if n := len(out); n > 0 && out[n-1].high >= r.low {
			out[n-1].high = max(out[n-1].high, r.high)
			continue
		}
		out = append(out, r)
	}
	return out
}
