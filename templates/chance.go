package templates

import (
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"eucactl/jinja"
)

// chanceFilters draw from a seed, as Python's random module does with the same one,
// or from the options' Random.
func (s *Set) chanceFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"password_hash": jinja.F("hashtype salt salt_size rounds ident", s.passwordHash),
		"random":        jinja.F("start step seed", s.random),
		"shuffle":       jinja.F("seed", s.shuffle),
	}
}

// drawer draws whole numbers of up to 32 bits.
type drawer func(bits int) (uint32, error)

// drawer is one that begins with a seed, or that nothing foretells.
func (s *Set) drawer(seed any) (drawer, error) {
	switch v := seed.(type) {
	case nil:
	case string:
		return newTwister(textSeed(v)).bits, nil
	case int64:
		return newTwister(numberSeed(uint64(max(v, -v)))).bits, nil
	default:
		return nil, fmt.Errorf("%s is no seed: it is a text or a whole number", describe(seed))
	}
	if s.options.Random == nil {
		return nil, errors.New("give a seed: nothing random is at hand here")
	}
	return func(n int) (uint32, error) {
		var raw [4]byte
		_, err := io.ReadFull(s.options.Random, raw[:])
		return binary.BigEndian.Uint32(raw[:]) >> (32 - n), err
	}, nil
}

// below draws a number below n, which is above zero.
func (d drawer) below(n int64) (int64, error) {
	k := bits.Len64(uint64(n))
	for {
		low, err := d(min(k, 32))
		v := uint64(low)
		if k > 32 && err == nil {
			var high uint32
			high, err = d(k - 32)
			v |= uint64(high) << 32
		}
		if err != nil {
			return 0, err
		}
		if v < uint64(n) {
			return int64(v), nil
		}
	}
}

// random draws an element of a list, or a number below the given one.
func (s *Set) random(c *jinja.Call) (any, error) {
	d, err := s.drawer(c.Arg(2, nil))
	if err != nil {
		return nil, err
	}
	end, ok := c.In.(int64)
	if !ok {
		list := c.InList()
		if c.Arg(0, nil) != nil || c.Arg(1, nil) != nil {
			return nil, errors.New("start and step are for numbers")
		}
		if len(list) == 0 {
			return nil, errors.New("nothing to draw from")
		}
		i, err := d.below(int64(len(list)))
		if err != nil {
			return nil, err
		}
		return list[i], nil
	}
	start, step := int64(c.Int(0, 0)), int64(c.Int(1, 1))
	if c.Arg(1, nil) == nil {
		step = 1
	}
	if step == 0 || start >= end && step > 0 || start <= end && step < 0 {
		return nil, errors.New("nothing to draw from")
	}
	n := (end - start + step - 1) / step
	if step < 0 {
		n = (end - start + step + 1) / step
	}
	i, err := d.below(n)
	return start + step*i, err
}

func (s *Set) shuffle(c *jinja.Call) (any, error) {
	list := slices.Clone(c.InList())
	if list == nil {
		list = []any{}
	}
	d, err := s.drawer(c.Arg(0, nil))
	if err != nil {
		return nil, err
	}
	for i := len(list) - 1; i > 0; i-- {
		j, err := d.below(int64(i + 1))
		if err != nil {
			return nil, err
		}
		list[i], list[j] = list[j], list[i]
	}
	return list, nil
}

// twister is the Mersenne twister MT19937.
type twister struct {
	state [624]uint32
	at    int
}

// textSeed is the number that Python makes of a text, in words from the low end.
func textSeed(s string) []uint32 {
	sum := sha512.Sum512([]byte(s))
	raw := append([]byte(s), sum[:]...)
	var words []uint32
	for len(raw) > 0 {
		n := min(4, len(raw))
		var word uint32
		for _, b := range raw[len(raw)-n:] {
			word = word<<8 | uint32(b)
		}
		words, raw = append(words, word), raw[:len(raw)-n]
	}
	for len(words) > 1 && words[len(words)-1] == 0 {
		words = words[:len(words)-1]
	}
	return words
}

func numberSeed(n uint64) []uint32 {
	if n > math.MaxUint32 {
		return []uint32{uint32(n), uint32(n >> 32)}
	}
	return []uint32{uint32(n)}
}

func newTwister(key []uint32) *twister {
	t := &twister{at: 624}
	s := &t.state
	s[0] = 19650218
	for i := 1; i < 624; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	for range max(624, len(key)) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		if i++; i >= 624 {
			s[0], i = s[623], 1
		}
		if j++; j >= len(key) {
			j = 0
		}
	}
	for range 623 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		if i++; i >= 624 {
			s[0], i = s[623], 1
		}
	}
	s[0] = 1 << 31
	return t
}

func (t *twister) bits(n int) (uint32, error) {
	if t.at >= 624 {
		for i := range 624 {
			y := t.state[i]&(1<<31) | t.state[(i+1)%624]&(1<<31-1)
			t.state[i] = t.state[(i+397)%624] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		t.at = 0
	}
	y := t.state[t.at]
	t.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	y ^= y >> 18
	return y >> (32 - n), nil
}
