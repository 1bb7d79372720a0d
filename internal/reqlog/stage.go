package reqlog

import "time"

// Stage is a part of a request's way, whose time is told apart.
type Stage int

// The stages, in the order in which a request comes through them. One that it did not come to took no time.
const (
	Receiving      Stage = iota // its head is looked at, its body read
	Waiting                     // for its turn
	Authenticating              // who signed it
	Authorizing                 // whether its policies allow it
	Held                        // by a fault rule
	Operating                   // input, rules, store, result
	Answering                   // the answer is written
	stages
)

// String is the stage as it is told.
func (s Stage) String() string {
	return [...]string{"receive", "wait", "authenticate", "authorize", "fault", "operate", "answer"}[s]
}

// StageView is how long a stage took.
type StageView struct {
	Name       string `json:"name"`
	DurationNS int64  `json:"duration_ns"`
}

// stageViews are the stages that took time, in their order.
func stageViews(took *[stages]time.Duration) (list []StageView) {
	for s, d := range took {
		if d > 0 {
			list = append(list, StageView{Stage(s).String(), d.Nanoseconds()})
		}
	}
	return list
}

// Course measures the stages of a record under way, by the machine's monotonic clock: to read that alone takes half as long as to read the time, and a
// request does it at each stage.
type Course struct {
	at    Stage
	start time.Time
	last  time.Duration // since start: when the stage began
}

// Begin starts with the first stage, at a time just read.
func (c *Course) Begin(now time.Time) {
	if now == now.Round(0) { // without a monotonic reading, from a clock that is not the machine's
		now = time.Now()
	}
	*c = Course{start: now}
}

// Enter ends the stage that r is in, and begins another.
func (c *Course) Enter(r *Record, s Stage) {
	now := time.Since(c.start)
	r.Stages[c.at] += now - c.last
	c.at, c.last = s, now
}

// End ends the last stage. r took as long as its stages.
func (c *Course) End(r *Record) {
	c.Enter(r, c.at)
	r.Duration = c.last
}
