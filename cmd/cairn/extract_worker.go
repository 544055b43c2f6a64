package main

import (
	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/retrieval/extract"
)

// extractCommand is the hidden sub-command that the server runs itself with to
// read documents in a process that may do nothing else.
const extractCommand = "extract-worker"

func extractWorkerCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:    extractCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return extract.Serve(e.stdin, e.stdout, extract.DefaultLimits())
		},
	}
}
