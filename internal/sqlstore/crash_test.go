package sqlstore

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnotherProcessHasTheStoreAndIsKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), self, "-test.run=^TestProcessThatWrites$", path)
	answers, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	for lines := bufio.NewScanner(answers); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "answered %d", &last); n == 0 {
			t.Errorf("the other process says: %s", lines.Text())
			continue
		}
		switch last {
		case 1:
			if _, err := Open(t.Context(), Config{Vault: testVault(), Path: path}); !errors.Is(err, ErrLocked) {
				t.Errorf("Open beside another process: %v", err)
			}
		case 50:
			if err := other.Process.Kill(); err != nil { // what it has still said is read all the same
				t.Error(err)
			}
		}
	}
	if err := other.Wait(); err == nil || last < 50 {
		t.Fatalf("the other process ended with %v, after %d", err, last)
	}
	s, err := Open(t.Context(), Config{Vault: testVault(), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var sent []string
	for i := 1; i <= last; i++ {
		if v := setting(t, s, fmt.Sprint(i)); v != "v" {
			t.Errorf("%d of %d answered is %s", i, last, v)
		}
		sent = append(sent, fmt.Sprint("usage ", i))
	}
	if names := "," + meteredNames(t, s) + ","; strings.Count(names, ",") > last+2 { // one may be there whose answer was not read
		t.Errorf("%d were answered, and there are %s", last, names)
	}
	if outcomes := appendNamed(t, s, sent...); strings.Contains(outcomes, "new") {
		t.Errorf("what was answered is new: %s", outcomes)
	}
}

// TestProcessThatWrites is the other process: it opens the file named on its command line and writes to it until it is killed.
func TestProcessThatWrites(t *testing.T) {
	if flag.NArg() == 0 {
		t.Skip("runs in a process of its own only")
	}
	s := open(t, flag.Arg(0))
	for i := 1; ; i++ {
		put(t, s, fmt.Sprint(i), "v")
		appendNamed(t, s, fmt.Sprint("usage ", i), fmt.Sprint("usage ", i))
		fmt.Println("answered", i)
	}
}
