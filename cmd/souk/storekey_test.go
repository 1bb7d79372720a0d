package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

func TestAKeyFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes are not permissions there")
	}
	dir := filepath.Join(t.TempDir(), "data")
	if status, _, stderr := runSouk(t, noEnv, "init", "--data", dir); status != 0 {
		t.Fatal(stderr)
	}
	name := filepath.Join(dir, "souk.key")
	for file, want := range map[string]os.FileMode{dir: 0o700, name: 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %o", file, info.Mode(), err, want)
		}
	}
	for mode, want := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o610: false, 0o602: false, 0o644: false} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		status, _, stderr := runSouk(t, noEnv, "check", "--data", dir)
		if (status == 0) != want || !want && !strings.Contains(stderr, "hint: chmod 600 "+name+"\n") {
			t.Errorf("mode %o: exit status %d\n%s", mode, status, stderr)
		}
	}
}

// What is in a file that holds no key is not told.
func TestAKeyFileThatHoldsSomethingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"empty": "", "short": "hush", "long": strings.Repeat("hush", 11) + "!", "longer": strings.Repeat("hush", maxKeyFile), "binary": strings.Repeat("\x00", 32),
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readStoreKey(file)
		if err == nil || !strings.HasPrefix(err.Error(), file+": vault: ") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The file that is named goes before the variable, and that before the file in the directory.
func TestWhichKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := storeFlags{Data: dir}
	if made, err := f.makeKey(noEnv); err != nil || made != f.keyFile() {
		t.Fatalf("%q, %v", made, err)
	}
	own, err := readStoreKey(f.keyFile())
	if err != nil {
		t.Fatal(err)
	}
	if made, err := f.makeKey(noEnv); err != nil || made != "" { // an init that was cut short goes on with the key that it made
		t.Errorf("a second key: %q, %v", made, err)
	}
	named, err := makeStoreKey(filepath.Join(dir, "named.key"))
	if err != nil {
		t.Fatal(err)
	}
	given := vault.Key{5}
	env := environment(storeKeyVariable + "=" + given.Text())
	for _, tt := range []struct {
		file   string
		getenv func(string) string
		want   string
	}{
		{"", noEnv, own.ID()}, {"", env, vault.New(given).ID()}, {"named.key", env, named.ID()}, {"named.key", noEnv, named.ID()},
	} {
		f := storeFlags{Data: dir}
		if tt.file != "" {
			f.StoreKeyFile = filepath.Join(dir, tt.file)
		}
		if v, err := f.vault(tt.getenv); err != nil || v.ID() != tt.want {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if v, err := new(storeFlags).vault(noEnv); v != nil || err != nil {
		t.Errorf("in memory: %v, %v", v, err)
	}
	f.StoreKeyFile = filepath.Join(dir, "none.key")
	if _, err := f.vault(noEnv); !os.IsNotExist(err) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// The files of a store have none of the secrets that went into it: not of the world that was applied, not of what Souk made itself.
func TestTheFilesHaveNoSecrets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	n := startTest(t, func(c *nodeConfig) { c.Data = dir })
	if status, _, stderr := souk(t, n, "signing-key", "rotate"); status != 0 {
		t.Fatal(stderr)
	}
	var secrets [][]byte
	err := n.store.View(t.Context(), func(tx market.Tx) error {
		d, err := tx.Directory()
		if err != nil {
			return err
		}
		for _, k := range d.Keys {
			secrets = append(secrets, []byte(k.Secret))
		}
		tokens, err := tx.TokenKeys()
		if err != nil {
			return err
		}
		for _, k := range tokens {
			secrets = append(secrets, k.Secret[:])
		}
		signing, err := tx.SigningKeys()
		for _, k := range signing {
			secrets = append(secrets, k.Private[100:200])
		}
		return err
	})
	if err != nil || len(secrets) < 6 {
		t.Fatalf("%d secrets, %v", len(secrets), err)
	}
	look := func(when string) {
		t.Helper()
		seen := 0
		for _, name := range []string{"souk.db", "souk.db-wal", "souk.db-shm", "souk.key"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if os.IsNotExist(err) {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			seen += strings.Count(string(b), "AKIASOUKSELLER2EXAMP")
			for i, s := range secrets {
				if strings.Contains(string(b), string(s)) {
					t.Errorf("%s: secret %d stands in %s", when, i, name)
				}
			}
		}
		if seen == 0 {
			t.Errorf("%s: the id of a key stands nowhere, so this sees nothing", when)
		}
	}
	look("running")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	look("stopped")
}
