package backups

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"syscall"
	"time"

	"homeward/configs/backup"
)

// problem is why nothing can be written to a folder, for a person.
type problem struct {
	text, advice string
	rights       bool // homeward lacks the right, which can be given to it later
}

// stampForm is the time in a file's name, which also puts names in order.
const stampForm = "20060102T150405Z"

// unfinished is how the name of a file ends until it is complete.
const unfinished = ".new"

func (k *Keeper) name(at time.Time) string {
	return fmt.Sprintf("homeward-%s-%s.backup", k.cfg.Instance, at.UTC().Format(stampForm))
}

// ours finds the files of this homeward in a folder that may have others'.
func (k *Keeper) ours(suffix string) *regexp.Regexp {
	return regexp.MustCompile(`^homeward-` + regexp.QuoteMeta(k.cfg.Instance) + `-[0-9]{8}T[0-9]{6}Z\.backup` + regexp.QuoteMeta(suffix) + `$`)
}

// store writes a backup to the folder: whole and on the disk, or not at all. Then it
// removes the oldest ones.
func (k *Keeper) store(ctx context.Context, r record) *problem {
	root, err := k.open(r.Folder)
	if err != nil {
		return k.explain(r.Folder, err)
	}
	defer root.Close()
	if err := k.tidy(root, unfinished, 0); err != nil { // of a crashed run
		return k.explain(r.Folder, err)
	}
	to, err := backup.ForRecoveryCode(r.Public)
	if err != nil {
		return &problem{text: err.Error(), advice: "make a new recovery code"}
	}
	name := k.name(time.Now())
	if err := k.create(ctx, root, name, to); err != nil {
		return k.explain(r.Folder, errors.Join(err, ignoreAbsent(root.Remove(name+unfinished))))
	}
	if err := k.tidy(root, "", r.Keep); err != nil {
		return k.explain(r.Folder, err)
	}
	return nil
}

// open opens a folder. Only our own is made when it is not there: any other may be a
// disk that is not plugged in.
func (k *Keeper) open(folder string) (*os.Root, error) {
	if folder == k.cfg.Own {
		if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return os.OpenRoot(folder)
}

func (k *Keeper) create(ctx context.Context, root *os.Root, name string, to backup.Recipient) error {
	f, err := root.OpenFile(name+unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = k.seal(ctx, to, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(name+unfinished, name); err != nil {
		return err
	}
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) { // some network shares can't
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

// tidy removes all but the newest of our files.
func (k *Keeper) tidy(root *os.Root, suffix string, keep int) error {
	all, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	ours := k.ours(suffix)
	var names []string
	for _, e := range all {
		if e.Type().IsRegular() && ours.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for len(names) > keep {
		if err := ignoreAbsent(root.Remove(names[0])); err != nil {
			return err
		}
		names = names[1:]
	}
	return nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// try says whether a file can be made in the folder, without leaving one.
func (k *Keeper) try(folder string) *problem {
	root, err := k.open(folder)
	if err != nil {
		return k.explain(folder, err)
	}
	defer root.Close()
	name := k.name(time.Now()) + ".try"
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = errors.Join(f.Close(), root.Remove(name))
	}
	if err != nil {
		return k.explain(folder, err)
	}
	return nil
}

// explain says what an error means and what to do.
func (k *Keeper) explain(folder string, err error) *problem {
	refused := errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &problem{text: fmt.Sprintf("the folder %s is not there", folder), advice: "make it, or plug the disk in"}
	case errors.Is(err, syscall.ENOTDIR):
		return &problem{text: folder + " is not a folder", advice: "choose a folder"}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &problem{text: "the disk with " + folder + " is full", advice: "make room on it, or choose another folder"}
	case refused && !k.cfg.MayWrite(folder):
		return &problem{text: "homeward may not write to " + folder + " yet: it gave up the right to all other folders when it started", advice: "restart homeward (systemctl restart homeward)", rights: true}
	case refused:
		return &problem{text: "homeward may not write to " + folder, advice: "give the folder to the user that homeward runs as, and the service the right to it: 'homeward backup nightly --help' says how. If the disk was plugged in since homeward started, restart it", rights: true}
	}
	return &problem{text: fmt.Sprintf("writing to %s: %v", folder, err), advice: "look at the disk, or choose another folder"}
}
