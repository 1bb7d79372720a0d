package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// filler is a file that takes what room there is on the cluster's disk.
func (s *Server) filler() string { return filepath.Join(s.Dir, "filler") }

// Fill takes all the room that is left on the cluster's disk, which has to be its own: see Config.Mebibytes.
func (s *Server) Fill() error {
	if !s.mounted {
		return errors.New("the server's disk is everybody's")
	}
	f, err := os.Create(s.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 4096 { // to the last byte
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	return nil
}

// Free gives the room back.
func (s *Server) Free() error { return os.Remove(s.filler()) }
