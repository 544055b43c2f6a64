package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/server/audit"
)

func auditVerifyCommand(e *environment) *cobra.Command {
	var file string
	var known []string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check that no row was changed, removed, inserted or moved",
		Long: `Check the chain of hashes of the whole log, and name the first row that is not as it was
written; the exit code is then 1. The mark that is printed names the newest row: noted
elsewhere and given with --known, it shows later whether somebody has written the log anew.
With --file an export is checked here, without a server.`,
		Args: cobra.NoArgs,
	}
	online := e.online(func(ctx context.Context, c *client.Client, _ []string) error {
		report, err := c.VerifyAudit(ctx, known)
		if err != nil {
			return err
		}
		return e.printAuditReport(report)
	})
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return online(cmd, args)
		}
		report, err := verifyExport(file, known)
		if err != nil {
			return err
		}
		return e.printAuditReport(report)
	}
	c.Flags().StringVar(&file, "file", "", "an export, instead of the server's log")
	c.Flags().StringSliceVar(&known, "known", nil, "a mark that was printed before; may be repeated")
	return c
}

var errBrokenLog = errors.New("the audit log is not what was written")

func (e *environment) printAuditReport(report client.AuditReport) error {
	if err := e.print(report, report.String()); err != nil {
		return err
	}
	if report.Broken != nil {
		return errBrokenLog
	}
	return nil
}

// verifyExport checks an export of the whole log.
func verifyExport(path string, known []string) (client.AuditReport, error) {
	rows, err := readExport(path)
	if err != nil {
		return client.AuditReport{}, err
	}
	chain := audit.Chain{Checkpoints: checkpoints(rows)}
	for _, text := range known {
		m, err := audit.ParseMark(text)
		if err != nil {
			return client.AuditReport{}, err
		}
		chain.Known = append(chain.Known, m)
	}
	for _, r := range rows {
		if !chain.Add(r) {
			break
		}
	}
	v := chain.End(nil)
	report := client.AuditReport{Intact: v.Broken == nil, Rows: v.Rows, First: v.First, Mark: v.Last.String()}
	if v.Broken != nil {
		report.Broken = (*client.AuditBroken)(v.Broken)
	}
	return report, nil
}

// checkpoints returns the marks up to which the log was removed.
func checkpoints(rows []audit.Row) []audit.Mark {
	var marks []audit.Mark
	for _, r := range rows {
		if m, err := audit.ParseMark(r.Object.ID); err == nil && r.Action == audit.AuditExpire {
			marks = append(marks, m)
		}
	}
	return marks
}

func readExport(path string) ([]audit.Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	defer f.Close()
	var rows []audit.Row
	lines := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return rows, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read the export: %w", err)
		}
		row, err := exportedRow(line)
		if err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "line %d of %s is no row of an audit log: %v", n, path, err)
		}
		rows = append(rows, row)
	}
}

func exportedRow(line []byte) (audit.Row, error) {
	var ev client.AuditEvent
	if err := json.Unmarshal(line, &ev); err != nil {
		return audit.Row{}, err
	}
	r := audit.Row{
		Mark: audit.Mark{Seq: ev.Seq},
		Event: audit.Event{
			At: ev.At, Action: audit.Action(ev.Action), Outcome: audit.Outcome(ev.Outcome), Account: cairn.AccountID(ev.AccountID),
			Via: ev.Via, Token: ev.TokenID, Address: ev.Address, Request: ev.RequestID,
			Object: audit.Object{Kind: audit.Kind(ev.Object.Kind), ID: ev.Object.ID}, Detail: ev.Detail,
		},
	}
	for _, d := range ev.Documents {
		r.Documents = append(r.Documents, cairn.DocumentID(d))
	}
	if err := readHash(&r.Hash, ev.Hash); err != nil {
		return audit.Row{}, err
	}
	return r, readHash(&r.Previous, ev.Previous)
}

func readHash(to *audit.Hash, text string) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("%q is no hash", text)
	}
	copy(to[:], b)
	return nil
}
