package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxLine bounds what is read as one line.
const maxLine = 4096

// terminalOf is the terminal that a person sits at, if there is one.
func terminalOf(in io.Reader) (*os.File, bool) {
	f, ok := in.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// askHidden asks a person for a line without showing it.
func askHidden(f *os.File, prompts io.Writer, prompt string) (string, error) {
	fmt.Fprint(prompts, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(prompts)
	if err != nil {
		return "", fmt.Errorf("reading what was typed: %w", err)
	}
	return string(b), nil
}

// readLine reads one line of input that is no terminal's.
func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxLine)).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// confirm asks a person; where there is none, --yes is needed.
func confirm(tty terminal, question string) error {
	f, ok := terminalOf(tty.in)
	if !ok {
		return usage(errors.New("nobody can be asked here: add --yes"))
	}
	fmt.Fprint(tty.err, question)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
