//go:build !linux

package main

import (
	"runtime"
	"time"
)

func pinClient() bool { return false }

func unpinClient() {}

func shares() (server, client float64) {
	return float64(runtime.NumCPU()), float64(runtime.NumCPU())
}

func onServerCPU(start func()) { start() }

func cpuOf(int) time.Duration { return 0 }

func cpuOfAll() time.Duration { return 0 }

func resident(int) int64 { return 0 }

func (s *server) checkPinned() error { return nil }
