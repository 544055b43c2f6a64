package scim

import (
	"cmp"
	"net/mail"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// apply changes a user step by step, and finds out her address anew when what it
// comes from has changed.
func (u *User) apply(steps []step) error {
	before, emails := u.UserName, slices.Clone(u.Profile.Emails)
	for _, s := range steps {
		if err := u.change(s); err != nil {
			return err
		}
	}
	if strings.TrimSpace(u.UserName) == "" {
		return lacks("userName")
	}
	u.Display = cmp.Or(u.Display, u.Profile.Formatted, strings.TrimSpace(u.Profile.GivenName+" "+u.Profile.FamilyName))
	named := u.UserName != before && (len(u.Profile.Emails) > 0 || strings.Contains(u.UserName, "@"))
	if u.Address != "" && !named && slices.Equal(u.Profile.Emails, emails) {
		return nil
	}
	return u.findAddress()
}

// change does one step. Attributes that Cairn does not keep are passed over: providers
// send all that they have.
func (u *User) change(s step) error {
	var err error
	switch s.path.attribute {
	case "id":
		return checkID(s, string(u.ID))
	case "username":
		if err = s.required(); err == nil {
			u.UserName, err = s.text()
			u.Named = true
		}
	case "externalid":
		u.ExternalID, err = s.text()
	case "displayname":
		u.Display, err = s.text()
	case "active":
		if err = s.required(); err == nil {
			u.Active, err = s.truth()
		}
	case "name":
		err = u.Profile.changeName(s)
	case "emails":
		err = u.changeEmails(s)
	}
	return err
}

// checkID refuses to give a resource another id; a new one has none yet.
func checkID(s step, id string) error {
	if text, ok := s.value.(string); id != "" && (!ok || text != id) {
		return badRequest("mutability", "id cannot be changed")
	}
	return nil
}

// changeName does a step for a part of the name, or for all of them.
func (p *Profile) changeName(s step) error {
	if s.path.sub == "" {
		if s.op == "remove" || s.value == nil {
			p.Formatted, p.GivenName, p.FamilyName = "", "", ""
			return nil
		}
		parts, ok := s.value.(map[string]any)
		if !ok {
			return badRequest("invalidValue", "name must be an object")
		}
		for part, value := range parts {
			if err := p.changeName(step{s.op, path{attribute: "name", sub: strings.ToLower(part)}, value}); err != nil {
				return err
			}
		}
		return nil
	}
	part := map[string]*string{"formatted": &p.Formatted, "givenname": &p.GivenName, "familyname": &p.FamilyName}[s.path.sub]
	if part == nil {
		return nil
	}
	text, err := s.text()
	if err == nil {
		*part = text
	}
	return err
}

// changeEmails does a step for the addresses. A user of whom none were sent has the
// one that is known.
func (u *User) changeEmails(s step) error {
	emails := slices.Clone(u.Profile.Emails)
	if len(emails) == 0 && u.Address != "" {
		emails = []Email{{u.Address, "work", true}}
	}
	emails, err := editEmails(emails, s)
	if err != nil {
		return err
	}
	if len(emails) > maxEmails {
		return badRequest("invalidValue", "a user may have %d addresses", maxEmails)
	}
	u.Profile.Emails = emails
	return nil
}

const maxEmails = 20

func editEmails(emails []Email, s step) ([]Email, error) {
	if len(s.path.filter) > 0 || s.path.sub != "" {
		return editMatching(emails, s)
	}
	if s.op == "remove" && s.value == nil {
		return nil, nil
	}
	if s.value == nil {
		return nil, nil
	}
	objects, err := s.objects()
	if err != nil {
		return nil, err
	}
	if s.op == "replace" {
		emails = nil
	}
	for _, o := range objects {
		var e Email
		if err := e.set(o); err != nil {
			return nil, err
		}
		emails = slices.DeleteFunc(emails, func(had Email) bool { return strings.EqualFold(had.Value, e.Value) })
		if s.op != "remove" {
			emails = addEmail(emails, e)
		}
	}
	return emails, nil
}

// addEmail adds an address; if it is the primary one, the others are not.
func addEmail(emails []Email, e Email) []Email {
	for i := range emails {
		emails[i].Primary = emails[i].Primary && !e.Primary
	}
	return append(emails, e)
}

// editMatching does a step whose path has a filter, as emails[type eq "work"].value,
// or a sub-attribute. Where nothing matches, what the filter describes is added.
func editMatching(emails []Email, s step) ([]Email, error) {
	if s.op == "remove" {
		return slices.DeleteFunc(emails, func(e Email) bool { return e.matches(s.path.filter) }), nil
	}
	object := map[string]any{s.path.sub: s.value}
	if s.path.sub == "" {
		objects, err := s.objects()
		if err != nil {
			return nil, err
		}
		if len(objects) != 1 {
			return nil, badRequest("invalidValue", "%s must be one object", s.path.attribute)
		}
		object = objects[0]
	}
	at := slices.IndexFunc(emails, func(e Email) bool { return e.matches(s.path.filter) })
	var e Email
	if at >= 0 {
		e = emails[at]
		emails = slices.Delete(emails, at, at+1)
	}
	for _, c := range s.path.filter {
		if err := e.set(map[string]any{strings.TrimPrefix(c.attribute, "emails."): c.value}); err != nil {
			return nil, err
		}
	}
	if err := e.set(object); err != nil {
		return nil, err
	}
	return addEmail(emails, e), nil
}

// matches reports whether all comparisons hold for an address.
func (e Email) matches(filter []comparison) bool {
	for _, c := range filter {
		text, _ := c.value.(string)
		switch c.attribute {
		case "emails.type":
			if !strings.EqualFold(e.Type, text) {
				return false
			}
		case "emails.value":
			if !strings.EqualFold(e.Value, text) {
				return false
			}
		case "emails.primary":
			if primary, ok := c.value.(bool); !ok || primary != e.Primary {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// set changes what the object has of an address.
func (e *Email) set(object map[string]any) error {
	for name, value := range object {
		if value == nil {
			continue
		}
		s := step{"replace", path{attribute: "emails." + name}, value}
		var err error
		switch name {
		case "value":
			e.Value, err = s.text()
		case "type":
			e.Type, err = s.text()
		case "primary":
			e.Primary, err = s.truth()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findAddress takes the primary address, else that at work, else the first, else the
// user name.
func (u *User) findAddress() error {
	pick := func(good func(Email) bool) string {
		if i := slices.IndexFunc(u.Profile.Emails, good); i >= 0 {
			return u.Profile.Emails[i].Value
		}
		return ""
	}
	address := strings.TrimSpace(cmp.Or(
		pick(func(e Email) bool { return e.Primary && e.Value != "" }),
		pick(func(e Email) bool { return strings.EqualFold(e.Type, "work") && e.Value != "" }),
		pick(func(e Email) bool { return e.Value != "" }),
		u.UserName))
	parsed, err := mail.ParseAddress(address)
	folded, ok := cairn.FoldAddress(address)
	if err != nil || parsed.Address != address || !ok {
		return badRequest("invalidValue", "%q is no e-mail address: a user needs one in emails, or as userName", address)
	}
	u.Address = folded
	return nil
}
