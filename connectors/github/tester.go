package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// Test implements connectors.Tester: it reads whose the credential is, the repositories,
// and the first page of the people.
func (s *source) Test(ctx context.Context) (string, error) {
	who, err := ask[struct{ Viewer account }](ctx, s.api, "whose credential it is", `query { viewer { login } }`, nil)
	if err != nil {
		return "", err
	}
	counts := map[string]int{}
	total, withWiki := 0, false
	for r, err := range s.repositories(ctx, heads, s.reads()) {
		if err != nil {
			return "", err
		}
		counts[r.Visibility]++
		total++
		withWiki = withWiki || r.HasWikiEnabled
	}
	if total == 0 {
		return "", &connectors.Error{Kind: connectors.ErrForbidden, Message: "the credential of " + who.Viewer.Login + " sees no repository of " +
			strings.Join(s.settings.owners, ", ") + " that the setting repos wants: install the App on them, or give the token access to them"}
	}
	text := fmt.Sprintf("the credential is that of %s and reads %d repositories: %d public, %d internal, %d private",
		who.Viewer.Login, total, counts["PUBLIC"], counts["INTERNAL"], counts["PRIVATE"])
	people, groups, err := s.testPeople(ctx)
	switch {
	case errors.Is(err, connectors.ErrForbidden), errors.Is(err, connectors.ErrNotFound):
		return "", fmt.Errorf("%s; but who may read them is not told: %w. The App needs the organisation permission Members (read), a classic token the scope read:org", text, err)
	case err != nil:
		return "", err
	}
	more := ""
	if people+groups >= testedMembers {
		more = "more than "
	}
	text += fmt.Sprintf("; the addresses of %s%d people in %d groups are known", more, people, groups)
	if s.settings.read[wikiPages] && withWiki {
		text += s.wikis.test(ctx)
	}
	return text, nil
}

// testedMembers is how many people and groups are enough to say that they can be read.
const testedMembers = 1000

// testPeople reads the groups, up to testedMembers, and counts people with an address.
func (s *source) testPeople(ctx context.Context) (people, groups int, err error) {
	addresses, names := map[string]bool{}, map[string]bool{}
	for m, err := range s.Members(ctx) {
		if err != nil {
			return 0, 0, err
		}
		names[m.Group] = true
		if m.Email != "" {
			addresses[m.Email] = true
		}
		if len(addresses)+len(names) >= testedMembers {
			break
		}
	}
	return len(addresses), len(names), nil
}
