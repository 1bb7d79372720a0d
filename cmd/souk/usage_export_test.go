package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An export that is broken off leaves what there was, says so, and fails.
func TestBrokenExport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Souk-Usage-Records", "3")
		fmt.Fprintln(w, `{"record_id":"1"}`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	file := filepath.Join(dir, "usage.jsonl")
	if err := os.WriteFile(file, []byte("of yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runSouk(t, noEnv, "usage", "export", "--control", server.URL, "-o", file)
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, "broke off the export before its end") {
		t.Errorf("exit status %d, %q, %q", status, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if left, _ := os.ReadDir(dir); err != nil || string(text) != "of yesterday" || len(left) != 1 {
		t.Errorf("the file holds %q, %v; there are %d files", text, err, len(left))
	}
	status, stdout, stderr = runSouk(t, noEnv, "usage", "export", "--control", server.URL)
	if status != exitFailed || !strings.Contains(stdout, "record_id") || !strings.Contains(stderr, "broke off") {
		t.Errorf("to the standard output: exit status %d, %q, %q", status, stdout, stderr)
	}
}

func TestExportFormat(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{"": "jsonl", "-": "jsonl", "a.csv": "csv", "A.CSV": "csv", "csv": "jsonl", "a.jsonl": "jsonl"} {
		if got := (&usageExportCmd{Format: "auto", Output: file}).format(); got != want {
			t.Errorf("-o %q is %s, want %s", file, got, want)
		}
	}
	if got := (&usageExportCmd{Format: "jsonl", Output: "a.csv"}).format(); got != "jsonl" {
		t.Errorf("--format jsonl -o a.csv is %s", got)
	}
}
