package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// sourceSetCommand returns `cairn source set`.
func sourceSetCommand(e *environment) *cobra.Command {
	var acl string
	var set, secret, unset []string
	var yes, dryRun bool
	c := &cobra.Command{
		Use:   "set NAME [--acl ACL] [--set key=value …] [--secret key=FILE …] [--unset key …] [--dry-run] [--yes]",
		Short: "Change who may read a source, or its settings",
		Long: `Change who may read a source, or its settings. --acl is that of cairn source add, and holds at
once; settings hold from the next sync on. First it says who would lose and who would gain
documents, and at a terminal asks when anybody would.`,
		Example: `  cairn source set handbook --acl group:cairn:staff --dry-run
  cairn source set office --set 'acl_rules=hr/**=group:cairn:hr'`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			name := args[0]
			patch, err := e.sourcePatch(acl, set, secret, unset)
			if err != nil {
				return err
			}
			if dryRun || !yes {
				p, err := c.PreviewACL(ctx, name, patch)
				if err != nil {
					return missing(err, "source", name)
				}
				if dryRun {
					return e.printPreview(p)
				}
				e.notePreview(p)
				if p.Lose.Accounts+p.Gain.Accounts > 0 && !e.confirm(fmt.Sprintf("Change the source %s?", terminal.Line(name))) {
					return errors.New("nothing was changed")
				}
			}
			s, err := c.UpdateSource(ctx, name, patch)
			if err != nil {
				return missing(err, "source", name)
			}
			if e.json {
				return e.printReply(s.JSON)
			}
			e.screen().Printf("%s is changed.\n  acl: %s\n", terminal.Line(s.Name), terminal.Line(aclInWords(s)))
			return nil
		}),
	}
	c.Flags().StringVar(&acl, "acl", "", "who may read it, as in cairn source add")
	c.Flags().StringArrayVar(&set, "set", nil, "a setting, as in exclude=drafts; may be repeated")
	c.Flags().StringArrayVar(&secret, "secret", nil, "a secret setting from a file, as in token=FILE; - is standard input; may be repeated")
	c.Flags().StringArrayVar(&unset, "unset", nil, "a setting to remove; may be repeated")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say who would lose and gain")
	c.Flags().BoolVar(&yes, "yes", false, "do not look and do not ask")
	return c
}

// sourcePatch returns the change that flags ask for.
func (e *environment) sourcePatch(acl string, set, secret, unset []string) (client.SourcePatch, error) {
	var patch client.SourcePatch
	if acl == "" && len(set) == 0 && len(secret) == 0 && len(unset) == 0 {
		return patch, usageError{errors.New("say what to change: --acl, --set, --secret or --unset")}
	}
	settings, err := keyValues(set)
	if err == nil {
		err = e.secretValues(secret, settings)
	}
	if err != nil {
		return patch, err
	}
	patch.Settings = make(map[string]*string)
	for key, value := range settings {
		patch.Settings[key] = &value
	}
	for _, key := range unset {
		if _, both := patch.Settings[key]; both {
			return patch, usageError{fmt.Errorf("%s is both in --set and in --unset", key)}
		}
		patch.Settings[key] = nil
	}
	patch.ACL, err = aclChoice(acl)
	return patch, err
}

// printPreview shows what a change would do.
func (e *environment) printPreview(p client.AccessPreview) error {
	if e.json {
		return e.printReply(p.JSON)
	}
	for _, line := range previewLines(p) {
		e.screen().Printf("%s\n", line)
	}
	return nil
}

// notePreview tells what a change will do before it is made.
func (e *environment) notePreview(p client.AccessPreview) {
	for _, line := range previewLines(p) {
		e.note("%s", line)
	}
}

// previewLines says what a change does, line by line, cleaned.
func previewLines(p client.AccessPreview) []string {
	when := ""
	if p.NextSync {
		when = " after the next sync"
	}
	if p.Documents == 0 {
		return []string{"The permissions of no document would change" + when + "."}
	}
	lines := []string{fmt.Sprintf("The permissions of %d documents would change%s.", p.Documents, when)}
	for _, side := range []struct {
		verb    string
		changes client.AccountChanges
	}{{"lose", p.Lose}, {"gain", p.Gain}} {
		lines = append(lines, fmt.Sprintf("Accounts that %s: %d", side.verb, side.changes.Accounts))
		for _, a := range side.changes.First {
			who := a.Email
			if who == "" {
				who = a.ID
			}
			lines = append(lines, fmt.Sprintf("  %s  %d documents", terminal.Line(who), a.Documents))
		}
		lines = andMore(lines, side.changes.Accounts-len(side.changes.First))
	}
	return lines
}
