package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// report is everything that a run found.
type report struct {
	Date       time.Time `json:"date"`
	Machine    string    `json:"machine"`
	Processors int       `json:"processors"`
	Go         string    `json:"go"`
	Tables     []*table  `json:"tables"`
}

// table is one table of results.
type table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"` // strings and float64
	Notes   []string `json:"notes"`
	// Load is the load average of the last minute when the table was begun and
	// when its last row was added.
	Load [2]string `json:"load"`
}

func newReport() *report {
	return &report{Date: time.Now().UTC().Truncate(time.Second), Machine: machine(), Processors: runtime.GOMAXPROCS(0), Go: runtime.Version()}
}

// table begins a table.
func (r *report) table(title string, columns ...string) *table {
	t := &table{Title: title, Columns: columns, Load: [2]string{loadAverage(), ""}}
	r.Tables = append(r.Tables, t)
	return t
}

// row adds a row: strings, numbers and durations (told in milliseconds).
func (t *table) row(values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case int:
			values[i] = float64(v)
		case time.Duration:
			values[i] = float64(v.Microseconds()) / 1000
		}
	}
	t.Rows = append(t.Rows, values)
	t.Load[1] = loadAverage()
}

// note adds a line below the table.
func (t *table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

func (r *report) printHead(w io.Writer) {
	fmt.Fprintf(w, "# Benchmarks\n\n%s; %s, %d processors, %s %s/%s\n", r.Date.Format(time.RFC3339), r.Machine, r.Processors, r.Go, runtime.GOOS, runtime.GOARCH)
}

// print writes the table as Markdown.
func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Columns, " | "), strings.Repeat(" --- |", len(t.Columns)))
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = cell(v)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(w, "\nLoad average %s at the beginning, %s at the end.\n", t.Load[0], t.Load[1])
	for _, n := range t.Notes {
		fmt.Fprintf(w, "%s\n", n)
	}
}

func cell(v any) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case f == float64(int64(f)) || f >= 1000:
		return fmt.Sprintf("%.0f", f)
	case f >= 100:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.3g", f)
}

func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// machine returns the name of the processor, where the system tells.
func machine() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown processor"
}

// loadAverage returns that of the last minute, where the system tells.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
