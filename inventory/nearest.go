package inventory

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
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

// nearest is the word closest to s, or "" when none is close enough to have
// been meant: a third of the letters may differ, or two, but not all of them.
func nearest(s string, words []string) string {
	best, bestDistance := "", min(max(2, len(s)/3)+1, max(len(s), 1))
	for _, w := range words {
		if abs(len(w)-len(s)) >= bestDistance {
			continue
		}
		if d := distance(s, w); d < bestDistance {
			best, bestDistance = w, d
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }
