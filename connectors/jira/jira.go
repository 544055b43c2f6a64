// Package jira reads the issues, comments and attachments of a site of Jira, Cloud or
// Data Center.
//
// A run reads, project by project, the issues that were updated since the run before, as
// a search finds them. Who may read an issue is a conjunction: who has the permission
// BROWSE_PROJECTS in the project, and who is in the security level or in the
// roles that it is restricted to. No issue is updated when those change: so each run reads
// them first, and where they are others than before, all issues of the project.
//
// What not all who see an issue may see is left out: comments with a visibility of their
// own, internal comments, what other issues are called, and attachments that may belong
// to such a comment.
package jira

import (
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Kind returns the kind of source "jira".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:       "jira",
		SyncEvery:  15 * time.Minute,
		ReadsACL:   true,
		Settings:   settingList(),
		PruneEvery: time.Hour,
		Hook:       hook(),
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := parse(settings)
			return err
		},
		Open: func(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
			cfg, err := parse(settings)
			if err != nil {
				return nil, err
			}
			return open(env, cfg)
		},
	}
}

var (
	_ connectors.Lister      = (*Site)(nil)
	_ connectors.Permissions = (*Site)(nil)
	_ connectors.Directory   = (*Site)(nil)
	_ connectors.Tester      = (*Site)(nil)
)

// Site is the connector.
type Site struct {
	cfg          settings
	client       *remote.Client
	api          api
	who          principals
	applications []applicationRole  // nil: not asked yet
	accesses     map[string]*access // by project, as this run has read them

	// What begin finds out.
	begun        bool
	account      user
	zone         *time.Location    // of the account; nil: unknown
	texts        []string          // ids of custom fields that are read
	choices      []string          // those of them that are no texts
	headings     map[string]string // of fields that are texts, by id
	epics        []string          // ids of the fields that name the epic, Data Center
	restrictions bool              // issues can be restricted to roles
}

func open(env connectors.Environment, cfg settings) (*Site, error) {
	client, err := product.NewClient(env, cfg.Settings)
	if err != nil {
		return nil, err
	}
	s := &Site{cfg: cfg, client: client, accesses: map[string]*access{}, who: principals{atlassian.People{Addresses: cfg.People, Everyone: cfg.Everyone}}}
	if cfg.Cloud {
		s.api = newCloud(client)
	} else {
		s.api = newDataCenter(client, cfg.levels)
	}
	return s, nil
}
