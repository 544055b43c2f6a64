package scim

import "strings"

// path is what an operation of a PATCH is for.
type path struct {
	attribute string       // in lower case; with its schema when that is not the resource's
	filter    []comparison // of a multi-valued attribute; attributes are "members.value"
	sub       string       // in lower case; may be empty
}

// parsePath reads a path of RFC 7644, section 3.5.2. Names of attributes that Cairn
// does not know are paths, too.
func parsePath(s string) (path, error) {
	invalid := badRequest("invalidPath", "%q is no path; known are those like name.familyName and members[value eq \"id\"]", s)
	if len(s) > maxFilter {
		return path{}, badRequest("invalidPath", "the path is longer than %d bytes", maxFilter)
	}
	p := &parser{s: strings.TrimSpace(s)}
	name, ok := attributeOf(p.word())
	if !ok {
		return path{}, invalid
	}
	var out path
	out.attribute = name
	if !strings.HasPrefix(name, "urn:") { // its version has a dot
		out.attribute, out.sub, _ = strings.Cut(name, ".")
	}
	if p.take('[') {
		if out.sub != "" {
			return path{}, invalid
		}
		var err error
		if out.filter, err = p.conjunction(out.attribute, 0); err != nil {
			return path{}, err
		}
		if p.blanks(); !p.take(']') {
			return path{}, invalid
		}
		if p.take('.') {
			if out.sub = strings.ToLower(p.word()); out.sub == "" {
				return path{}, invalid
			}
		}
	}
	if p.i < len(p.s) || strings.Contains(out.sub, ".") {
		return path{}, invalid
	}
	return out, nil
}
