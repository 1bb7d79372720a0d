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

// The servers take CPU 0, the client every other one.

// clientCPUs is where the client runs, once it is pinned; nil before, and where there is nothing to share out.
var clientCPUs *unix.CPUSet

// pinClient reports whether there is more than one CPU to share out, and moves this process off the servers' one.
func pinClient() bool {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 || !all.IsSet(0) {
		return false
	}
	all.Clear(0)
	// Each thread has an affinity of its own, and takes it from the thread that made it. So that none slips through, all of them are set twice: a
	// thread that is made in the first round by one not yet set is there in the second.
	for range 2 {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return false
		}
		for _, t := range tasks {
			if tid, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.SchedSetaffinity(tid, &all) // fails for a thread that is gone
			}
		}
	}
	runtime.GOMAXPROCS(all.Count())
	clientCPUs = &all
	return true
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

// cpu is the time that the process has spent on a CPU, by the scheduler's own count.
func (s *server) cpu() time.Duration {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(s.pid) + "/task")
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, t := range tasks {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/task/" + t.Name() + "/schedstat")
		if err != nil {
			continue
		}
		if ns, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64); err == nil {
			sum += time.Duration(ns)
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
