package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// While the client is pinned the servers take CPU 0, the client every other one.

// allCPUs are those that this process was started on, and clientCPUs where the client runs while it is pinned; nil while it is not, and where there
// is nothing to share out.
var allCPUs, clientCPUs *unix.CPUSet

// pinClient moves this process off the servers' CPU. It reports whether there is more than one to share out.
func pinClient() bool {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 || !all.IsSet(0) {
		return false
	}
	others := all
	others.Clear(0)
	if !moveClient(&others) {
		return false
	}
	runtime.GOMAXPROCS(others.Count())
	allCPUs, clientCPUs = &all, &others
	return true
}

// unpinClient lets this process run everywhere again, and the servers that are started from now on too.
func unpinClient() {
	if clientCPUs != nil && moveClient(allCPUs) {
		runtime.GOMAXPROCS(allCPUs.Count())
		clientCPUs = nil
	}
}

// moveClient moves all threads of this process. Each has an affinity of its own, and takes it from the thread that made it. So that none slips through,
// all of them are set twice: a thread that is made in the first round by one not yet set is there in the second.
func moveClient(to *unix.CPUSet) bool {
	for range 2 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return false
		}
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.SchedSetaffinity(tid, to) // fails for a thread that is gone
			}
		}
	}
	return true
}

// shares is how many CPUs a server and the client have.
func shares() (server, client float64) {
	if clientCPUs == nil {
		return float64(runtime.NumCPU()), float64(runtime.NumCPU())
	}
	return 1, float64(clientCPUs.Count())
}

// onServerCPU runs start, which starts a process, so that the process inherits the servers' CPU.
func onServerCPU(start func()) {
	if clientCPUs == nil {
		start()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var server unix.CPUSet
	server.Set(0)
	if unix.SchedSetaffinity(0, &server) == nil {
		defer func() { _ = unix.SchedSetaffinity(0, clientCPUs) }()
	}
	start()
}

// checkPinned is an error if a server could run where the client does: the comparison would be of something else then.
func (s *server) checkPinned() error {
	if clientCPUs == nil {
		return nil
	}
	var is unix.CPUSet
	if err := unix.SchedGetaffinity(s.pid, &is); err != nil {
		return err
	}
	if is.Count() != 1 || !is.IsSet(0) {
		return fmt.Errorf("process %d may run on %d CPUs, not on the servers' one alone", s.pid, is.Count())
	}
	return nil
}

// cpuOf is the time that a process has spent on a CPU, by the scheduler's own count.
func cpuOf(pid int) time.Duration {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, t := range tasks {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + t.Name() + "/schedstat")
		if err != nil {
			continue
		}
		if ns, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64); err == nil {
			sum += time.Duration(ns)
		}
	}
	return sum
}

// cpuOfAll is the time that the machine's CPUs were not idle for, to a hundredth of a second; what a hypervisor took from them counts.
func cpuOfAll() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum time.Duration
	for i, f := range strings.Fields(line) {
		switch i { // cpu user nice system idle iowait irq softirq steal
		case 1, 2, 3, 6, 7, 8:
			n, _ := strconv.ParseInt(f, 10, 64)
			sum += time.Duration(n) * (time.Second / 100)
		}
	}
	return sum
}

// resident is the memory of a process, in bytes.
func resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
