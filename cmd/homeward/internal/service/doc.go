// Package service installs homeward as a service of the system, and takes it
// away again.
//
// It writes files and nothing else: it starts no program, so what has to be
// told to the service manager is returned as commands for a person or for
// scripts/install.sh. Each file that it writes begins with a mark. A file
// without the mark is somebody else's and is never changed or removed.
package service
