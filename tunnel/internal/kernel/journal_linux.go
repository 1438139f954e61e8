package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const journalVersion = 1

// journal is the note of what was changed in the host, so that it can be undone
// by a later run when this one is killed.
type journal struct {
	Version int      `json:"version"`
	Boot    string   `json:"boot"`
	Changes []change `json:"changes"`
}

// change is one sysctl that we set. Along is what the kernel changes with it.
type change struct {
	Key    string    `json:"key"`
	Before string    `json:"before"`
	After  string    `json:"after"`
	Along  []setting `json:"along,omitempty"`
}

type setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func journalPath(dir, name string) string { return filepath.Join(dir, "kernel-"+name+".json") }

// save writes the journal so that it is there, whole, after a power cut.
func (j journal) save(path string) error {
	b, err := json.MarshalIndent(j, "", "\t")
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".kernel-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // nothing there after the rename
	_, err = tmp.Write(append(b, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// loadJournal reads what save wrote; ok is false when there is none.
func loadJournal(path string) (j journal, ok bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, false, nil
	}
	if err != nil {
		return j, false, err
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return j, false, fmt.Errorf("reading %s: %w: delete it if the host has been restarted since", path, err)
	}
	if j.Version != journalVersion {
		return j, false, fmt.Errorf("reading %s: version %d is not %d: it was written by another version of homeward, which can clean up", path, j.Version, journalVersion)
	}
	return j, true, nil
}

// undoJournal restores what the journal at path says and removes it.
func undoJournal(path string) error {
	j, ok, err := loadJournal(path)
	if err != nil || !ok {
		return err
	}
	if err := procSys.restore(j); err != nil {
		return err
	}
	return removeJournal(path)
}

func removeJournal(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
