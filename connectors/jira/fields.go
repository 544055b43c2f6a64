package jira

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// begin asks for what a run needs to know of the site.
func (s *Site) begin(ctx context.Context) error {
	if s.begun {
		return nil
	}
	me, err := s.api.me(ctx)
	if err != nil {
		return err
	}
	all, err := s.api.fields(ctx)
	if err != nil {
		return err
	}
	s.account, s.zone = me, location(me.TimeZone)
	s.chooseFields(all)
	missing := maps.Clone(s.cfg.fields)
	for _, f := range all {
		delete(missing, f.Name)
	}
	if len(missing) > 0 {
		return &connectors.Error{
			Kind:    connectors.ErrNotFound,
			Message: "there are no custom fields of these names that the account sees: " + strings.Join(slices.Sorted(maps.Keys(missing)), ", ") + ". Correct the setting fields",
		}
	}
	s.begun = true
	return nil
}

// customText begins the kinds of custom fields that come with Jira.
const customText = "com.atlassian.jira.plugin.system.customfieldtypes:"

// chooseFields finds the fields that are read.
func (s *Site) chooseFields(all []field) {
	s.headings = map[string]string{"environment": "Environment"}
	for _, f := range all {
		isText := f.Schema.Custom == customText+"textfield" || f.Schema.Custom == customText+"textarea"
		switch {
		case f.ID == restrictionField:
			s.restrictions = true
		case f.Schema.Custom == "com.pyxis.greenhopper.jira:gh-epic-link":
			s.epics = append(s.epics, f.ID)
		case f.Custom && (s.cfg.fields[f.Name] || s.cfg.fields == nil && isText):
			s.texts = append(s.texts, f.ID)
			s.headings[f.ID] = f.Name
			if !isText {
				s.choices = append(s.choices, f.ID)
			}
		}
	}
	slices.Sort(s.texts)
}

// wanted are the fields that a reading asks for.
func (s *Site) wanted(a *access) []string {
	fields := append(a.fields(),
		"summary", "description", "environment", "project", "created", "updated", "parent", "subtasks", "issuelinks", "comment",
	)
	for _, f := range facts {
		fields = append(fields, f.field)
	}
	if s.cfg.Attachments {
		fields = append(fields, "attachment")
	}
	fields = append(append(fields, s.texts...), s.epics...)
	slices.Sort(fields)
	return slices.Compact(fields)
}

// fields are those that the ACLs of issues follow from.
func (a *access) fields() []string {
	fields := []string{"security"}
	if a.roles != nil {
		fields = append(fields, restrictionField)
	}
	for _, c := range append(slices.Collect(maps.Values(a.levels)), a.browse) {
		for name := range c.fields {
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
		}
	}
	return fields
}
