package lexical

// Identifiers returns how many of a text's tokens are identifiers, file names,
// versions or addresses rather than words, and how many tokens there are.
func Identifiers(text string) (identifiers, tokens int) {
	for i := 0; i < len(text); {
		class, size := classAt(text, i)
		end := i + size
		switch class {
		case runeWord:
			end = compoundEnd(text, i)
			tokens++
			whole := false
			compound(text[i:end], func(t token) { whole = whole || t.kind == kindWhole })
			if whole {
				identifiers++
			}
		case runeDense:
			end = runEnd(text, i, runeDense)
			tokens++
		}
		i = end
	}
	return identifiers, tokens
}
