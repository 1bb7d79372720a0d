package main

import "log/slog"

// reservedFiles are file descriptors that connections of the AWS face do not get: those of the store, of the control listener, of what the process was
// started with.
const reservedFiles = 256

// maxConnections is how many connections the AWS face may have open: as many as are wanted, if the process may open so many files. The Go runtime has raised
// its limit as far as it goes without privileges.
func maxConnections(wanted int, log *slog.Logger) int {
	files, ok := openFiles()
	if !ok {
		return wanted
	}
	most := max(files-reservedFiles, files/2)
	if wanted == 0 {
		return most
	}
	if wanted > most {
		log.Warn("the limit of open files is low: fewer connections than --max-connections", "files", files, "connections", most, "max_connections", wanted)
	}
	return min(wanted, most)
}
