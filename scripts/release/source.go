package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// checkout puts the commit's files into a folder of their own and reads its
// time and version. What is not committed stays out.
func (j *job) checkout(ctx context.Context) error {
	j.src = filepath.Join(j.work, "src")
	if err := os.Mkdir(j.src, 0o755); err != nil {
		return err
	}
	when, err := output(ctx, "", nil, "git", "log", "-1", "--format=%H %ct", j.commit)
	if err != nil {
		return err
	}
	hash, seconds, _ := strings.Cut(strings.TrimSpace(when), " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("reading the commit's time: %w", err)
	}
	j.made = time.Unix(unix, 0).UTC()
	if j.version == "" {
		j.version = versionOf(ctx, hash)
	}
	root, err := output(ctx, "", nil, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	tarball := filepath.Join(j.work, "src.tar")
	if _, err := output(ctx, strings.TrimSpace(root), nil, "git", "archive", "--format=tar", "-o", tarball, hash); err != nil {
		return err
	}
	_, err = output(ctx, j.src, nil, "tar", "-xf", tarball)
	return err
}

// versionOf is the commit's tag without its v, or a version below the next
// release's that names the commit.
func versionOf(ctx context.Context, hash string) string {
	if tag, err := output(ctx, "", nil, "git", "describe", "--exact-match", "--match", "v[0-9]*", hash); err == nil {
		return strings.TrimPrefix(strings.TrimSpace(tag), "v")
	}
	return "0.1.0-dev+g" + hash[:12]
}

// output runs a program and returns what it prints. The error has what it
// complained about.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, complaint.Bytes())
	}
	return string(out), nil
}
