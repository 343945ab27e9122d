package commandline

// Suggest returns "; did you mean ..." when word is near to one of names, and ""
// when it is not.
func Suggest(word string, names []string, prefix string) string {
	best, nearest := 3, "" // two letters may differ
	for _, name := range names {
		if d := distance(word, name); d < best && d < len(name) {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return "; did you mean " + prefix + nearest + "?"
}

// distance is how many letters have to be added, taken away or changed to make
// a out of b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}
