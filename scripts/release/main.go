package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"homeward/configs/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// job is one release.
type job struct {
	commit  string
	version string
	made    time.Time // of the commit
	out     string    // folder for what is handed out
	src     string    // the commit's files
	work    string    // for what is on the way
	targets []target
	keys    []ed25519.PrivateKey
	trusted []ed25519.PublicKey
	from    string // address where the programs look for the newest release
	valid   time.Duration
	unsafe  string // versions before this one have a hole
	log     io.Writer
}

// program is a finished binary.
type program struct {
	target
	path string
}

func run(ctx context.Context, args []string, log io.Writer) error {
	j := job{log: log}
	f := flag.NewFlagSet("release", flag.ContinueOnError)
	f.SetOutput(log)
	var wanted, keys, trust string
	var bare bool
	f.StringVar(&j.out, "out", "dist", "folder for the files; it must be empty or missing")
	f.StringVar(&j.commit, "commit", "HEAD", "what is released")
	f.StringVar(&j.version, "version", "", "its version, such as 1.2.3 (default: the commit's tag)")
	f.StringVar(&wanted, "targets", "", "platforms, separated by commas (default: all)")
	f.StringVar(&keys, "key", "", "signing keys (Ed25519, PEM), separated by commas: the old one and the next one when they change")
	f.StringVar(&trust, "trust", "", "further public keys (base64) that these programs believe, beside those of --key")
	f.StringVar(&j.from, "from", "", "address where these programs look for the newest release, if anywhere")
	f.DurationVar(&j.valid, "valid", 365*24*time.Hour, "how long after the commit \"homeward update\" believes the manifest")
	f.StringVar(&j.unsafe, "unsafe-before", "", "versions before this one have a hole that is mended: who updates for security alone installs this release")
	f.BoolVar(&bare, "programs-only", false, "make neither packages nor images")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := j.prepare(ctx, wanted, keys, trust); err != nil {
		return err
	}
	defer os.RemoveAll(j.work)
	programs, err := j.build(ctx)
	if err != nil {
		return err
	}
	if err := j.writeComponents(programs); err != nil {
		return err
	}
	if !bare {
		if err := j.writePackages(ctx, programs); err != nil {
			return err
		}
		if err := j.writeImages(programs); err != nil {
			return err
		}
	}
	return j.seal(programs)
}

// prepare reads the flags' files and takes the commit's files.
func (j *job) prepare(ctx context.Context, wanted, keys, trust string) (err error) {
	if j.targets, err = parseTargets(wanted); err != nil {
		return err
	}
	if j.trusted, err = release.ParseKeys(trust); err != nil {
		return err
	}
	for _, file := range strings.FieldsFunc(keys, func(r rune) bool { return r == ',' }) {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading the signing key: %w", err)
		}
		k, err := release.ParsePrivateKey(text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		j.keys = append(j.keys, k)
		j.trusted = append(j.trusted, k.Public().(ed25519.PublicKey))
	}
	if strings.ContainsAny(j.from, "' \n") {
		return fmt.Errorf("--from %q is no address", j.from)
	}
	if j.out, err = filepath.Abs(j.out); err != nil {
		return err
	}
	if left, _ := os.ReadDir(j.out); len(left) > 0 {
		return fmt.Errorf("%s is not empty: remove it, or choose another with --out", j.out)
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return err
	}
	if j.work, err = os.MkdirTemp("", "homeward-release-"); err != nil {
		return err
	}
	if err = j.checkout(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(j.work))
	}
	return nil
}

func (j *job) say(format string, args ...any) { fmt.Fprintf(j.log, format+"\n", args...) }
