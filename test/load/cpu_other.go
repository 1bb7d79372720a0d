//go:build !linux

package main

import "time"

func pinClient() bool { return false }

func onServerCPU(start func()) { start() }

func (s *server) cpu() time.Duration { return 0 }

func resident(int) int64 { return 0 }

func (s *server) checkPinned() error { return nil }
