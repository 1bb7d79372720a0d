//go:build !race

package sqlstore

// thin is how much less the sweeps do than they could.
const thin = 1
