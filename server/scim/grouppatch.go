package scim

import (
	"strings"

	"github.com/cairnhq/cairn"
)

// groupEdits turns steps into edits of the group with the id, which is empty for
// a new one.
func groupEdits(steps []step, id string) ([]GroupEdit, error) {
	var edits []GroupEdit
	for _, s := range steps {
		var e GroupEdit
		var err error
		switch s.path.attribute {
		case "id":
			err = checkID(s, id)
		case "displayname":
			e.Display, err = nameOf(s)
		case "externalid":
			var text string
			text, err = s.text()
			e.ExternalID = &text
		case "members":
			e, err = memberEdit(s)
		default:
			continue // a provider sends all that it has
		}
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	return edits, nil
}

// nameOf returns the new name of a group, which is part of its key in ACLs.
func nameOf(s step) (*string, error) {
	if err := s.required(); err != nil {
		return nil, err
	}
	name, err := s.text()
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(name) == "" || !cairn.GroupKey(cairn.SCIMDirectory, name).Valid() {
		return nil, badRequest("invalidValue", "displayName must be one line and not empty")
	}
	return &name, nil
}

// memberEdit reads a step for the members. Okta removes one by a filter in the path,
// Entra ID by a value, and only without either are all removed.
func memberEdit(s step) (GroupEdit, error) {
	if s.path.sub != "" {
		return GroupEdit{}, badRequest("invalidPath", "members are added and removed as a whole: leave out %q", "."+s.path.sub)
	}
	if len(s.path.filter) > 0 {
		return filteredEdit(s)
	}
	if s.op == "remove" && s.value == nil {
		return GroupEdit{Clear: true}, nil
	}
	if s.value == nil {
		return GroupEdit{Clear: s.op == "replace"}, nil
	}
	objects, err := s.objects()
	if err != nil {
		return GroupEdit{}, err
	}
	ids := make([]string, len(objects))
	for i, o := range objects {
		id, ok := o["value"].(string)
		if !ok || id == "" {
			return GroupEdit{}, badRequest("invalidValue", "a member needs its id as \"value\"")
		}
		ids[i] = id
	}
	if s.op == "remove" {
		return GroupEdit{Remove: ids}, nil
	}
	return GroupEdit{Clear: s.op == "replace", Add: ids}, nil
}

// filteredEdit reads a step with a path like members[value eq "id"].
func filteredEdit(s step) (GroupEdit, error) {
	if s.op != "remove" {
		return GroupEdit{}, badRequest("invalidPath", "members are added with the path members and a value, without a filter")
	}
	var ids []string
	for _, c := range s.path.filter {
		id, ok := c.value.(string)
		switch {
		case c.attribute == "members.value" && ok:
			ids = append(ids, id)
		case c.attribute == "members.type" && ok:
		default:
			return GroupEdit{}, badRequest("invalidFilter", "members are removed by their id: members[value eq \"id\"]")
		}
	}
	if len(ids) != 1 {
		return GroupEdit{}, badRequest("invalidFilter", "members are removed one id a filter: members[value eq \"id\"]")
	}
	return GroupEdit{Remove: ids}, nil
}
