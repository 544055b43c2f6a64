package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// manCommand returns `cairn man`.
func manCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages, one for each command",
		Long: `Write the manual pages into a folder, one for each command: cairn man ~/.local/share/man/man1,
then man cairn-ask.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "Cairn", Manual: "Cairn"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			return e.print(map[string]string{"folder": args[0]}, "The manual pages are in "+terminal.Line(args[0])+".")
		},
	}
}
