package main

import "github.com/spf13/cobra"

func evalMakeCommand(*environment) *cobra.Command { return &cobra.Command{Use: "make"} }
