package scaffold

import "strings"

// replacer swaps the example's name for the new one in all its forms, and the
// module's path, in one pass: what was put in is not looked at again. The
// example's name has two words or more, so that each form is unlike the others.
func (r Rendering) replacer() *strings.Replacer {
	var pairs []string
	if r.Module != "" {
		pairs = append(pairs, r.Module, r.NewModule)
	}
	from, to := r.From, r.To
	for _, form := range []func(Name) string{sentenceWithArticle, capitalWithArticle} {
		pairs = append(pairs, form(from), form(to))
	}
	many, toMany := from.Plural(), to.Plural()
	for _, form := range []func(Name) string{
		Name.String, Name.Snake, Name.Package, Name.Variable, Name.Type, Name.Shout, Name.sentence,
	} {
		pairs = append(pairs, form(many), form(toMany), form(from), form(to))
	}
	return strings.NewReplacer(pairs...)
}

// sentence is the name as prose has it: order line.
func (n Name) sentence() string { return strings.Join(n.words, " ") }

// sentenceWithArticle is "an order line".
func sentenceWithArticle(n Name) string { return article(n) + " " + n.sentence() }

// capitalWithArticle is "An order line".
func capitalWithArticle(n Name) string { return "A" + article(n)[1:] + " " + n.sentence() }

// article goes by the first letter, which is right for most words.
func article(n Name) string {
	if strings.ContainsRune("aeiou", rune(n.words[0][0])) {
		return "an"
	}
	return "a"
}
