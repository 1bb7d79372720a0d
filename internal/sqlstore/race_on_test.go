//go:build race

package sqlstore

// thin is how much less the sweeps do under the race detector, which makes SQLite ten times as slow.
const thin = 5
