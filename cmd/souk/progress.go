package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress is a bar on the standard error, where that is a terminal; anywhere else it is nothing.
type progress struct {
	to    io.Writer // nil: nothing is drawn
	what  string
	now   func() time.Time
	drawn time.Time
}

// redraw is how often a bar is drawn at most: often enough to be seen moving.
const redraw = 100 * time.Millisecond

func (a *app) progress(what string) *progress {
	p := &progress{what: what, now: time.Now}
	if terminal(a.stderr, a.getenv) {
		p.to = a.stderr
	}
	return p
}

// at draws how far it is, unless it did just now.
func (p *progress) at(n, total int64) {
	if p.to == nil {
		return
	}
	now := p.now()
	if now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn = now
	fmt.Fprintf(p.to, "\r%s %s\x1b[K", p.what, bar(n, total))
}

// done takes the bar away.
func (p *progress) done() {
	if p.to != nil && !p.drawn.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// barWidth is a bar's, in characters.
const barWidth = 30

// bar is how far n of total is. What is not known, or grew meanwhile, has no bar.
func bar(n, total int64) string {
	n = max(n, 0)
	if total <= 0 || n > total {
		return fmt.Sprint(n)
	}
	full := int(float64(n) / float64(total) * barWidth)
	return fmt.Sprintf("[%s%s] %3d %%  %d of %d", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), int(float64(n)/float64(total)*100), n, total)
}
