package main

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/transfer"
)

// copyProgress shows on the standard error how far a copy is: as a bar on a terminal; elsewhere as a line for each kind of rows, and now and then one for
// kinds that take long.
type copyProgress struct {
	app  *app
	bar  *progress
	what string
	said time.Time // when the last line was written
	stop func()    // ends what is shown while the copy is checked
}

// sayEvery is how often there is a line about a kind that takes long.
const sayEvery = 10 * time.Second

func (c *copyProgress) at(p transfer.Progress) {
	if p.Phase == transfer.Checking {
		c.done()
		c.stop = c.app.working("checking the copy")
		return
	}
	what := string(p.Phase) + " " + p.Kind
	if what != c.what {
		c.done()
		c.what, c.bar, c.said = what, c.app.progress(what), time.Now()
	}
	if c.bar.to != nil {
		c.bar.at(p.Done, p.Total)
		return
	}
	if now := time.Now(); p.End && p.Done > 0 || now.Sub(c.said) >= sayEvery {
		c.said = now
		fmt.Fprintf(c.app.stderr, "%s: %s\n", what, counts(p.Done, p.Total))
	}
}

// counts is how far n of total is, for a line. A total of -1 is not known.
func counts(n, total int64) string {
	if total < n {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d of %d", n, total)
}

// done takes away what is drawn.
func (c *copyProgress) done() {
	if c.bar != nil {
		c.bar.done()
	}
	if c.stop != nil {
		c.stop()
	}
	c.bar, c.stop, c.what = nil, nil, ""
}
