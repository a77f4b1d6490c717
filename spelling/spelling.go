// Package spelling finds the word that was meant when a mistyped one was given.
package spelling

import "fmt"

// DidYouMean is the known word nearest to s, as the end of a sentence; "" if none is
// near enough.
func DidYouMean(s string, words []string) string {
	if w := Nearest(s, words); w != "" && w != s {
		return fmt.Sprintf("; did you mean %q?", w)
	}
	return ""
}

// Nearest is the word closest to s, the first of several; "" when none is close enough
// to have been meant: a third of the letters may differ, or two, but not all of them.
func Nearest(s string, words []string) string {
	best, least := "", min(max(2, len(s)/3)+1, max(len(s), 1))
	for _, w := range words {
		if max(len(w)-len(s), len(s)-len(w)) >= least {
			continue
		}
		if d := Distance(s, w); d < least && d < len(w) {
			best, least = w, d
		}
	}
	return best
}

// Distance is the Levenshtein distance of two words.
func Distance(a, b string) int {
	ra, rb := clipped(a), clipped(b)
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i, ca := range ra {
		diagonal := row[0]
		row[0] = i + 1
		for j, cb := range rb {
			cost := diagonal
			if ca != cb {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(rb)]
}

// clipped bounds the cost of comparing very long words: none of ours is longer.
func clipped(s string) []rune {
	r := []rune(s)
	return r[:min(len(r), 64)]
}
