package sdk

import (
	"os"
	"path/filepath"
	"testing"
)

// onceInAWhile is quotas by which of two calls of an operation the second finds none left, however often it is tried again.
const onceInAWhile = `{BatchMeterUsage: 0.001, MeterUsage: 0.001, RegisterUsage: 0.001, GetEntitlements: 0.001}`

// quotaFile is a file for --quotas.
func quotaFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "quotas.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// overQuotas calls each operation twice. The second call is throttled, tried again as often as the SDK does by itself, and given up. They are made all
// at once, since the pauses between attempts are long.
func overQuotas(t *testing.T, r *rig) {
	r.set()
	seller, task := r.as("seller"), workload("Task", "task-quota")(r)
	calls := []struct {
		env  map[string]string
		call apiCall
	}{
		{seller, r.batch(r.licensed(r.stage.vault, 1))}, {task, r.meter(1)}, {task, register("quota")}, {seller, get(vaultProduct)},
	}
	for _, c := range calls {
		r.output(r.call(c.env, c.call), 0)
	}
	for _, env := range []map[string]string{seller, task} {
		var line call
		line.Env, line.Concurrent = env, true
		for _, c := range calls {
			if c.env["AWS_ACCESS_KEY_ID"] == env["AWS_ACCESS_KEY_ID"] {
				line.Calls = append(line.Calls, c.call)
			}
		}
		x := r.do(line)
		for i, c := range line.Calls {
			one := exchange{service: c.Service, replies: x.replies[i : i+1]}
			for _, q := range x.wire {
				if q.Operation == c.Operation {
					one.wire = append(one.wire, q)
				}
			}
			t.Run(c.Operation, func(t *testing.T) {
				r.at(t).expectError(one, want{code: "ThrottlingException", message: texts["ThrottlingException"], attempts: r.lang.attempts})
			})
		}
	}
}
