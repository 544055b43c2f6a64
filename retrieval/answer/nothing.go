package answer

import (
	"strings"

	"github.com/cairnhq/cairn/retrieval/answer/claim"
)

// claimsNothing reports whether a text makes no claim that could be checked: a
// heading, a greeting, "The steps are:" or a question.
func claimsNothing(text string, facts claim.Facts) bool {
	if len(facts.Numbers)+len(facts.Dates) == 0 && len(facts.Words) == 0 && len(facts.Names) == 0 {
		return true
	}
	text = strings.TrimSpace(text)
	bare := strings.Trim(text, "*_ ")
	if bare == "" || strings.HasSuffix(bare, "?") || strings.HasSuffix(bare, "？") {
		return true
	}
	if strings.HasSuffix(bare, ":") || strings.HasSuffix(bare, "：") {
		return true // it introduces what follows
	}
	if strings.HasPrefix(text, "**") && strings.HasSuffix(text, "**") && !strings.Contains(bare, "**") && len(bare) < 80 && !strings.HasSuffix(bare, ".") {
		return true // a heading in bold
	}
	return false
}

// saysNotFound reports whether a sentence tells that the passages lack something.
func saysNotFound(text string, facts claim.Facts) bool {
	denies := false
	for _, c := range facts.Clauses {
		denies = denies || c.Denies()
	}
	if !denies || len(facts.Numbers) > 0 {
		return false
	}
	lower := strings.ToLower(text)
	return containsAny(lower, "passage", "provided document", "provided information", "provided text", "the documents", "abschnitte", "textstellen", "dokumente", "passages fournis", "les documents", "pasajes", "los documentos") &&
		containsAny(lower, "say", "said", "mention", "state", "contain", "tell", "provide", "specif", "include", "cover", "describe", "give", "information",
			"nennen", "enthalten", "sagen", "erwähn", "angab", "précis", "mentionn", "indiqu", "contien", "disent", "dicen", "mencion", "indican")
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
