package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// syncCommand returns `cairn sync`.
func syncCommand(e *environment) *cobra.Command {
	var req client.SyncRequest
	var wait bool
	c := &cobra.Command{
		Use:   "sync NAME",
		Short: "Read a source now",
		Long: `Read a source now: what is new or changed is indexed, what has vanished is removed. The
server does it; with --wait this command shows how far it is and ends with it. With
--permissions no document is read: who may read the known ones is brought up to date, and
what has vanished is hidden.`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			run, err := c.Sync(ctx, args[0], req)
			if err != nil {
				return missing(err, "source", args[0])
			}
			if !wait {
				if e.json {
					return e.printReply(run.JSON)
				}
				e.screen().Printf("The sync of %s is %s. Follow it with: %s\n", terminal.Line(args[0]), run.State, following(args[0], req))
				return nil
			}
			if run, err = e.follow(ctx, c, args[0], req, run); err != nil {
				return err
			}
			return e.printRun(ctx, c, args[0], run)
		}),
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it is done, and show how far it is")
	c.Flags().BoolVar(&req.Full, "full", false, "read every document again, changed or not")
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "write nothing, only say what would be added, changed and removed, and who would lose and gain")
	c.Flags().BoolVar(&req.Confirm, "confirm", false, "allow the deletions that the last sync held back")
	c.Flags().BoolVar(&req.PermissionsOnly, "permissions", false, "read no document, only who may read the known ones")
	return c
}

// following returns the command that follows a run that was asked for, and which, where
// that has ended meanwhile, does no more than it did: after a dry run, another one.
func following(source string, req client.SyncRequest) string {
	command := "cairn sync " + terminal.Line(source)
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"--dry-run", req.DryRun}, {"--full", req.DryRun && req.Full}, {"--confirm", req.DryRun && req.Confirm}, {"--permissions", req.PermissionsOnly},
	} {
		if flag.set {
			command += " " + flag.name
		}
	}
	return command + " --wait"
}

// How often a run is looked at: at first often, because many are short.
const (
	pollFirst    = 50 * time.Millisecond
	pollLongest  = time.Second
	pollPatience = time.Minute // for a server that is being restarted
)

// follow waits for the end of a run.
func (e *environment) follow(ctx context.Context, c *client.Client, source string, req client.SyncRequest, run client.Run) (client.Run, error) {
	show := e.newProgress()
	defer show.end()
	heard := time.Now()
	for pause := pollFirst; ; pause = min(pause*3/2, pollLongest) {
		show.update(run)
		if run.State != cairn.RunQueued && run.State != cairn.RunRunning {
			return run, nil
		}
		select {
		case <-ctx.Done():
			show.end()
			return run, fmt.Errorf("interrupted: the sync of %s goes on in the server; %s follows it", terminal.Line(source), following(source, req))
		case <-time.After(pause):
		}
		found, err := findRun(ctx, c, source, run.ID)
		switch {
		case err == nil:
			run, heard = found, time.Now()
		case ctx.Err() != nil: // said above
		case !errors.Is(err, cairn.ErrUnavailable) && !errors.Is(err, cairn.ErrRateLimited) || time.Since(heard) > pollPatience:
			return run, err
		}
	}
}

// findRun reads a run again. It is near the head of the list.
func findRun(ctx context.Context, c *client.Client, source, id string) (client.Run, error) {
	runs, err := c.Runs(ctx, source, 20)
	if err != nil {
		return client.Run{}, err
	}
	for _, r := range runs.Items {
		if r.ID == id {
			return r, nil
		}
	}
	return client.Run{}, cairn.Errorf(cairn.ErrNotFound, "the server no longer knows this sync; cairn source list shows the last one")
}

// shownErrors is how many documents that failed are named.
const shownErrors = 5

// printRun shows how a run ended, and why if it did not end well.
func (e *environment) printRun(ctx context.Context, c *client.Client, source string, run client.Run) error {
	if e.json {
		if err := e.printReply(run.JSON); err != nil {
			return err
		}
	} else {
		e.screen().Printf("%s\n", counts(run))
		e.printDryRun(run)
	}
	for _, line := range warningLines(run) {
		e.note("%s", line)
	}
	reason, name := terminal.Line(run.Reason), terminal.Line(source)
	switch run.State {
	case cairn.RunFailed:
		if reason == "" {
			reason = "the server's log says more"
		}
		return fmt.Errorf("the sync of %s failed: %s", name, reason)
	case cairn.RunCancelled:
		if reason != "" {
			return fmt.Errorf("the sync of %s was cancelled: %s", name, reason)
		}
		return fmt.Errorf("the sync of %s was cancelled", name)
	}
	if reason != "" {
		e.note("%s\nTo confirm deletions: cairn sync %s --wait --confirm", reason, name)
	}
	if run.Failed > 0 && !run.DryRun {
		return e.printFailures(ctx, c, source)
	}
	return nil
}

// warningLines says what an administrator should know of a run, cleaned.
func warningLines(r client.Run) []string {
	var lines []string
	for _, w := range r.Warnings {
		lines = append(lines, fmt.Sprintf("warning: %s (%d) %s", terminal.Line(w.Code), w.Count, terminal.Line(w.Message)))
	}
	return lines
}

// counts is the one line that sums up a run.
func counts(r client.Run) string {
	line := fmt.Sprintf("scanned %d, added %d, modified %d, deleted %d, failed %d, unchanged %d",
		r.Scanned, r.Added, r.Modified, r.Deleted, r.Failed, r.Unchanged)
	if r.DryRun {
		line += " (a dry run: nothing was changed)"
	}
	return line
}

// printDryRun names what a dry run would do.
func (e *environment) printDryRun(run client.Run) {
	if run.Preview == nil {
		return
	}
	for _, kind := range []struct {
		verb  string
		names []string
		all   int
	}{
		{"add", run.Preview.Added, run.Added}, {"change", run.Preview.Modified, run.Modified}, {"remove", run.Preview.Deleted, run.Deleted},
	} {
		for _, name := range kind.names {
			e.screen().Printf("  %s %s\n", kind.verb, terminal.Line(name))
		}
		if more := kind.all - len(kind.names); more > 0 {
			e.screen().Printf("  … and %s %d more\n", kind.verb, more)
		}
	}
	if run.Preview.Access != nil {
		for _, line := range accessLines(*run.Preview.Access) {
			e.screen().Printf("%s\n", line)
		}
	}
}

// shownDocuments is how many documents are named with who would lose and gain them.
const shownDocuments = 20

// accessLines says who would lose and gain documents by a sync, line by line, cleaned.
func accessLines(a cairn.RunAccess) []string {
	lines := previewLines(client.AccessPreview{Documents: a.Documents, Lose: clientChanges(a.Lose), Gain: clientChanges(a.Gain)})
	if a.Groups.Groups > 0 {
		lines = append(lines, fmt.Sprintf("Groups with other members: %d", a.Groups.Groups))
		shown := a.Groups.First[:min(len(a.Groups.First), shownDocuments)]
		for _, g := range shown {
			lines = append(lines, fmt.Sprintf("  %s  %d join, %d leave", terminal.Line(g.Name), g.Joined, g.Left))
		}
		lines = andMore(lines, a.Groups.Groups-len(shown))
	}
	documents := a.First[:min(len(a.First), shownDocuments)]
	if len(documents) > 0 {
		lines = append(lines, "Documents with other permissions, the first of them:")
	}
	for _, d := range documents {
		lines = append(lines, fmt.Sprintf("  %s  %s, %s", terminal.Line(d.External), whoDoes("lose", d.Lose), whoDoes("gain", d.Gain)))
	}
	if a.Uncounted > 0 {
		lines = append(lines, fmt.Sprintf("%d more changes were too many to count: who would lose and gain by them is not told.", a.Uncounted))
	}
	return lines
}

// whoDoes says which accounts lose or gain a document.
func whoDoes(verb string, c cairn.AccountChanges) string {
	line := fmt.Sprintf("%d %s", c.Accounts, verb)
	if len(c.First) == 0 {
		return line
	}
	var names []string
	for _, a := range c.First {
		names = append(names, terminal.Line(cmp.Or(a.Email, string(a.ID))))
	}
	if c.Accounts > len(names) {
		names = append(names, "…")
	}
	return line + " (" + strings.Join(names, ", ") + ")"
}

// andMore says how many are not shown.
func andMore(lines []string, more int) []string {
	if more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	return lines
}

func clientChanges(c cairn.AccountChanges) client.AccountChanges {
	out := client.AccountChanges{Accounts: c.Accounts}
	for _, a := range c.First[:min(len(c.First), shownDocuments)] {
		out.First = append(out.First, client.AccountChange{ID: string(a.ID), Email: a.Email, Documents: a.Documents})
	}
	return out
}

func (e *environment) printFailures(ctx context.Context, c *client.Client, source string) error {
	failed, err := c.DocumentErrors(ctx, source, shownErrors)
	if err != nil {
		return err
	}
	for _, d := range failed.Items {
		e.note("  %s: %s", terminal.Line(d.ExternalID), terminal.Line(d.Reason))
	}
	if failed.More {
		e.note("  … all of them: cairn source errors %s", terminal.Line(source))
	}
	return nil
}

// progress shows how far a run is, on standard error: a bar on a terminal, else
// a line every few seconds.
type progress struct {
	e    *environment
	bar  *progressbar.ProgressBar // nil without a terminal
	last time.Time                // when the last line was written
}

const lineEvery = 3 * time.Second

func (e *environment) newProgress() *progress {
	p := &progress{e: e, last: time.Now()}
	if terminal.NewScreen(e.stderr).Terminal {
		p.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(terminal.Unguarded(e.stderr)), progressbar.OptionSetDescription("waiting for the server"),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("documents"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
	}
	return p
}

func (p *progress) update(r client.Run) {
	if p.bar != nil {
		if r.State == cairn.RunRunning {
			p.bar.Describe(cmp.Or(terminal.Line(r.Phase), "running"))
		}
		if r.Total > 0 && p.bar.GetMax() != r.Total {
			p.bar.ChangeMax(r.Total)
		}
		if r.Total == 0 || r.Scanned <= r.Total {
			_ = p.bar.Set(r.Scanned) // it only draws
		}
		return
	}
	if time.Since(p.last) < lineEvery {
		return
	}
	p.last = time.Now()
	p.e.note("%s", progressLine(r))
}

// progressLine says how far a run is.
func progressLine(r client.Run) string {
	line := fmt.Sprintf("%s: %d", cmp.Or(r.Phase, string(r.State)), r.Scanned)
	if r.Total > 0 {
		line += fmt.Sprintf(" of %d", r.Total)
	}
	line += fmt.Sprintf(" scanned, %d failed", r.Failed)
	if r.Rate > 0 {
		line += fmt.Sprintf(", %.1f documents/s", r.Rate)
	}
	if r.Remaining != nil {
		line += fmt.Sprintf(", about %s left", time.Duration(*r.Remaining)*time.Second)
	}
	return line
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // it only draws
		p.bar = nil
	}
}
