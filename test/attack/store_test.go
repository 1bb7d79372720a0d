package attack

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stolenStore: whoever gets hold of a store, or of a backup of one, has not got hold of anybody's secrets: those are sealed under a key that is not in it.
func stolenStore(t *testing.T, s *siege) {
	const guard = "internal/vault, internal/sqlstore/vault.go"
	k, data := s.kept, s.kept.data
	args := k.args
	k.args = append(args[:len(args):len(args)], "--data", data)
	k.start(t)
	if t.Failed() {
		return
	}
	k.apply(t, world)
	bought := k.buy(t, victimLegacy, buyerAccount)
	session := k.session(t, victimRole, "one", "1h")
	accepted(t, resolve(k, victim, bought.RegistrationToken).sign().send(t, k))
	k.stop(t)
	key, err := os.ReadFile(filepath.Join(data, "souk.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"an access key": victim.secret, "another access key": rival.secret, "a session": session.secret, "a session token": session.session,
		"a registration token": bought.RegistrationToken, "the store's own key": strings.TrimSpace(string(key))}
	found := false
	stolen := t.TempDir()
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is readable by others: %v %v", d.Name(), info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil || d.Name() == "souk.key" {
			return err
		}
		found = found || bytes.Contains(text, []byte(victim.id)) && bytes.Contains(text, []byte(victimLegacy))
		for name, secret := range secrets {
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if bytes.Contains(text, []byte(form)) {
					t.Errorf("%s has the secret of %s\nguard: %s", d.Name(), name, guard)
				}
			}
		}
		return os.WriteFile(filepath.Join(stolen, d.Name()), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Error("what is no secret is not there either: this is not the store")
	}
	// Without its key the copy is no Souk, with another neither.
	other := filepath.Join(t.TempDir(), "other.key")
	soukCommand(t, "store-key", "make", other)
	for name, args := range map[string][]string{"without a key": nil, "with another key": {"--store-key-file", other}} {
		if out, err := soukFails(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data", stolen}, args...)...); err != nil {
			t.Errorf("the store opens %s: %v\n%s\nguard: %s", name, err, out, guard)
		} else if strings.Contains(out, victim.secret) {
			t.Errorf("%s: it tells a secret: %s", name, out)
		}
	}
	// Its owner opens it, and every secret is there.
	k.args = append(args[:len(args):len(args)], "--data", stolen, "--store-key-file", filepath.Join(data, "souk.key"))
	k.start(t)
	if t.Failed() {
		return
	}
	accepted(t, resolve(k, victim, bought.RegistrationToken).sign().send(t, k))
	accepted(t, resolve(k, session, bought.RegistrationToken).sign().send(t, k))
}

// soukFails runs a command that must end by itself, and not well; the error says that it does not. It returns what it said.
func soukFails(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := soukProcess(t, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			return said.String(), os.ErrExist
		}
		return said.String(), nil
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
		return said.String(), os.ErrDeadlineExceeded
	}
}
