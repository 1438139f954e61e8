package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homeward/peers/imports"
	"homeward/web/api"
	"homeward/web/words"
)

func newImport(o *options) *cobra.Command {
	var look bool
	c := &cobra.Command{
		Use: "import FILE|FOLDER|INTERFACE", Short: "Take over another WireGuard server, so that phones need no new code", Args: exactly(1, "a file, a folder or an interface"),
		Long: `Take over another WireGuard server: its key, port and network, and its devices with
their names, keys and addresses. Phones go on with the codes that they have.

It reads
  - a wg-quick file (wg0.conf), also those of PiVPN, linuxserver and common scripts;
  - wg-easy: wg0.json up to version 14, wg-easy.db from version 15 on;
  - the folder of one of them (/etc/wireguard, ~/.wg-easy, /config), also packed as
    zip, tar or tar.gz;
  - an interface that runs on this machine, by its name and as root.

What homeward does not take over, such as commands to run, is listed. When something is
wrong, all of it is told and nothing is changed. It is for a homeward without devices.
Stop the old server then: two with the same key take the phones away from each other.
Where it runs on this machine and has the port, homeward waits two minutes for that.`,
		Example: `  homeward import --dry-run /etc/wireguard
  homeward import wg0.json
  sudo homeward import wg0`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			files, err := gather(c.Context(), args[0])
			if err != nil {
				return err
			}
			done, err := o.importWhenFree(c.Context(), client, api.ImportWanted{Files: files, DryRun: look})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, done)
			}
			return printImported(o.tty.out, done, look)
		}),
	}
	c.Flags().BoolVar(&look, "dry-run", false, "say what would happen, and change nothing")
	return c
}

// importPatience is how long a person has to stop the old server.
const importPatience = 2 * time.Minute

// importWhenFree imports, and waits while the old server still has the port.
func (o *options) importWhenFree(ctx context.Context, client *api.Client, in api.ImportWanted) (api.Imported, error) {
	bound, cancel := context.WithTimeout(ctx, importPatience)
	defer cancel()
	for asked := false; ; asked = true {
		done, err := client.Import(ctx, in)
		var problem *api.Problem
		if !errors.As(err, &problem) || problem.Field != "port" {
			return done, err
		}
		if !asked {
			fmt.Fprintf(o.tty.err, "Everything is read. %s Waiting for that…\n", words.Sentence(problem.Detail))
		}
		select {
		case <-bound.Done():
			return done, err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func printImported(w io.Writer, d api.Imported, look bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: UDP port %d, networks %s\n", plain(d.Kind), d.Port, strings.Join(d.Networks, ", "))
	for _, one := range d.Devices {
		off := ""
		if !one.Enabled {
			off = "  (off)"
		}
		fmt.Fprintf(&b, "  %-24s %s%s\n", plain(one.Name), strings.Join(one.Addresses, ", "), off)
	}
	for _, said := range d.Told {
		fmt.Fprintf(&b, "- %s\n", plain(said))
	}
	if look {
		fmt.Fprintf(&b, "Devices: %d. Nothing was changed.\n", len(d.Devices))
	} else {
		fmt.Fprintf(&b, "Devices taken over: %d. homeward starts again with them. Stop the old server for good: two with the same key disturb each other.\n", len(d.Devices))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// gather reads what a person names: a file, a folder, or else an interface.
func gather(ctx context.Context, name string) (map[string][]byte, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Base(name) == name:
		return gatherInterface(ctx, name)
	case err != nil:
		return nil, fmt.Errorf("looking at %s: %w", name, err)
	case info.IsDir():
		return gatherFolder(name)
	}
	files := map[string][]byte{}
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", filepath.Dir(name), err)
	}
	defer root.Close()
	if err := gatherFile(root, filepath.Base(name), files); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".json") { // wg-easy keeps the port beside it
		if err := gatherFile(root, "wg0.conf", files); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}

// importPatterns are the files of other servers in their folders.
var importPatterns = []string{"wg0.json", "wg-easy.db", "*.conf", "wg_confs/*.conf", "configs/*.conf", "configs/clients.txt", "peer*/*.conf"}

// gatherFolder reads the files that matter; nothing outside of the folder, whatever
// links lead there.
func gatherFolder(name string) (map[string][]byte, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer root.Close()
	files := map[string][]byte{}
	for _, pattern := range importPatterns {
		found, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if err := gatherFile(root, file, files); err != nil {
				return nil, err
			}
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("in %s there is nothing of a WireGuard server: %s", name, strings.Join(importPatterns, ", "))
	}
	return files, nil
}

func gatherFile(root *os.Root, name string, into map[string][]byte) error {
	if info, err := root.Stat(name); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return fmt.Errorf("%s is no file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, imports.MaxFile+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > imports.MaxFile {
		return fmt.Errorf("%s has more than %d MiB: it is no WireGuard server's", name, imports.MaxFile>>20)
	}
	into[path.Clean(filepath.ToSlash(name))] = b
	return nil
}
