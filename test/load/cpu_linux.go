package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The servers take CPU 0, the client every other one.

// pinClient reports whether there is more than one CPU to share out, and moves this process off the servers' one.
func pinClient() bool {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 || !all.IsSet(0) {
		return false
	}
	all.Clear(0)
	// Each thread has an affinity of its own, and new ones take their parent's: set all that there are.
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(tid, &all)
		}
	}
	runtime.GOMAXPROCS(all.Count())
	return true
}

// onServerCPU runs start, which starts a process, so that the process inherits the servers' CPU.
func onServerCPU(start func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, server unix.CPUSet
	if unix.SchedGetaffinity(0, &before) == nil && !before.IsSet(0) {
		server.Set(0)
		if unix.SchedSetaffinity(0, &server) == nil {
			defer func() { _ = unix.SchedSetaffinity(0, &before) }()
		}
	}
	start()
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
