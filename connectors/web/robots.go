package web

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// agent is the product token that groups of robots.txt name Cairn by.
const agent = "cairn"

// maxRobots is how much of a robots.txt is read: what RFC 9309, 2.5, asks for.
const maxRobots = 500 << 10

// robots is what a robots.txt says to Cairn (RFC 9309). The zero robots allows all.
type robots struct {
	rules    []rule
	delay    time.Duration // between requests; not in the RFC, but in wide use
	sitemaps []string      // references, for everybody
}

type rule struct {
	allow   bool
	pattern string // with * and a $ at the end
}

// parseRobots reads a robots.txt. Of its groups those count that name Cairn, or when
// there are none, those for everybody.
func parseRobots(text []byte) robots {
	var r robots
	named, others := group{}, group{}
	var open []*group // that the next rules belong to
	agents := false   // the line before names an agent
	text = bytes.TrimPrefix(text[:min(len(text), maxRobots)], []byte("\xef\xbb\xbf"))
	for line := range bytes.FieldsFuncSeq(text, func(c rune) bool { return c == '\n' || c == '\r' }) {
		plain, _, _ := strings.Cut(string(line), "#")
		name, value, ok := strings.Cut(plain, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "user-agent":
			if !agents {
				open = nil
			}
			agents = true
			switch token := productToken(value); {
			case value == "*":
				open = append(open, &others)
				others.there = true
			case token == agent:
				open = append(open, &named)
				named.there = true
			}
		case "allow", "disallow", "crawl-delay":
			agents = false
			for _, g := range open {
				g.add(strings.ToLower(strings.TrimSpace(name)), value)
			}
		case "sitemap":
			r.sitemaps = append(r.sitemaps, value)
		}
	}
	g := others
	if named.there {
		g = named
	}
	r.rules, r.delay = g.rules, g.delay
	return r
}

// group is what all groups for one agent say together.
type group struct {
	there bool
	rules []rule
	delay time.Duration
}

func (g *group) add(name, value string) {
	switch {
	case name == "crawl-delay":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e6 {
			g.delay = time.Duration(seconds * float64(time.Second))
		}
	case value != "":
		g.rules = append(g.rules, rule{name == "allow", escapes(value)})
	}
}

// productToken returns the product token that a value begins with, in lower case.
func productToken(value string) string {
	end := strings.IndexFunc(value, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-'
	})
	if end >= 0 {
		value = value[:end]
	}
	return strings.ToLower(value)
}

// allows reports whether path and query of a normalised address may be asked for: the
// longest rule that matches decides, of two of a length the one that allows.
func (r robots) allows(target string) bool {
	longest, allowed := -1, true
	for _, rule := range r.rules {
		if n := len(rule.pattern); n < longest || n == longest && !rule.allow || !wildcard(rule.pattern, target) {
			continue
		}
		longest, allowed = len(rule.pattern), rule.allow
	}
	return allowed
}

// wildcard reports whether a target begins with what a pattern stands for.
func wildcard(pattern, target string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(target, parts[0])
	if !ok {
		return false
	}
	parts = parts[1:]
	for i, part := range parts {
		if whole && i == len(parts)-1 {
			return strings.HasSuffix(rest, part)
		}
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return !whole || rest == ""
}
