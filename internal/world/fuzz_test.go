package world

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: whatever the bytes, Parse ends without a panic, its findings have places, and a world that it reads is written and read
// back the same.
func FuzzParse(f *testing.F) {
	f.Add(full(f))
	f.Add([]byte(`{"version": 1, "accounts": [{"id": "111122223333", "name": "\ud83d\ude00\/"}]}`))
	f.Add([]byte("accounts:\n- &a {id: 111122223333, <<: *a}\n"))
	f.Add([]byte("policies:\n- account: 111122223333\n  name: p\n  document: &d {a: *d}\n"))
	f.Add([]byte("accounts: [{id: 0"))
	f.Add([]byte("users: *\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := Parse(src)
		if err != nil {
			if len(problems(err)) == 0 {
				t.Fatalf("Parse: %v, without problems", err)
			}
			return
		}
		out := mustMarshal(t, file.World, Options{Secrets: true})
		if diff := cmp.Diff(byOwner(file.World), mustParse(t, out).World); diff != "" {
			t.Errorf("world read back differs (-want +got):\n%s", diff)
		}
	})
}
