package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// The last-good file in its two generations.
const (
	lastGoodFile    = "last-good"
	lastGoodBefore  = "last-good.before"
	lastGoodHeading = "homeward last-good 1 " // and the SHA-256 of what follows the line
	maxLastGood     = 64 << 20
)

// ErrNoLastGood says that there is no last-good file that can be used.
var ErrNoLastGood = errors.New("there is no file from which the tunnel could come up without the database")

// LastGood is what the tunnel comes up from when the database cannot be opened.
type LastGood struct {
	Written  time.Time
	Identity Identity
	Peers    json.RawMessage // as the peers' room writes them
}

// lastGoodForm is a LastGood on the disk.
type lastGoodForm struct {
	Written  time.Time       `json:"written"`
	Key      []byte          `json:"private_key"`
	Port     uint16          `json:"listen_port"`
	Other    uint16          `json:"other_port,omitzero"`
	Instance string          `json:"instance"`
	V4       string          `json:"prefix4"`
	V6       string          `json:"prefix6"`
	Peers    json.RawMessage `json:"peers"`
}

// WriteLastGood replaces the last-good file and keeps the one before: whatever
// happens meanwhile, one of them is whole. It is as secret as the database.
func (s *State) WriteLastGood(g LastGood) error {
	key := g.Identity.PrivateKey.Reveal()
	id := g.Identity
	body, err := json.Marshal(lastGoodForm{g.Written.UTC(), key[:], id.ListenPort, id.OtherPort, id.Instance, id.Plan.V4.String(), id.Plan.V6.String(), g.Peers})
	if err != nil {
		return fmt.Errorf("writing %s: %w", s.Path(lastGoodFile), err)
	}
	if _, err := s.readLastGood(lastGoodFile); err == nil { // else the one before is the better one
		if err := s.root.Rename(lastGoodFile, lastGoodBefore); err != nil {
			return fmt.Errorf("keeping %s: %w", s.Path(lastGoodFile), err)
		}
	}
	sum := sha256.Sum256(body)
	return s.WriteFile(lastGoodFile, append([]byte(lastGoodHeading+hex.EncodeToString(sum[:])+"\n"), body...))
}

// LastGood reads the newest last-good file that is whole, or refuses with
// ErrNoLastGood.
func (s *State) LastGood() (LastGood, error) {
	var problems []error
	for _, name := range []string{lastGoodFile, lastGoodBefore} {
		g, err := s.readLastGood(name)
		if err == nil {
			return g, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, fmt.Errorf("reading %s: %w", s.Path(name), err))
		}
	}
	return LastGood{}, errors.Join(append([]error{ErrNoLastGood}, problems...)...)
}

func (s *State) readLastGood(name string) (LastGood, error) {
	info, err := s.root.Stat(name)
	if err != nil {
		return LastGood{}, err
	}
	if info.Size() > maxLastGood {
		return LastGood{}, fmt.Errorf("it has %d bytes, more than homeward writes", info.Size())
	}
	file, err := s.root.ReadFile(name)
	if err != nil {
		return LastGood{}, err
	}
	return parseLastGood(file)
}

func parseLastGood(file []byte) (LastGood, error) {
	heading, body, _ := bytes.Cut(file, []byte("\n"))
	told, ok := bytes.CutPrefix(heading, []byte(lastGoodHeading))
	if !ok {
		return LastGood{}, errors.New("it is no last-good file of this version")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != string(told) {
		return LastGood{}, errors.New("its checksum is wrong")
	}
	var f lastGoodForm
	if err := json.Unmarshal(body, &f); err != nil {
		return LastGood{}, err
	}
	key, err := wgtypes.NewKey(f.Key)
	if err != nil {
		return LastGood{}, errors.New("the server's key has a wrong length")
	}
	plan, err := parsePlan(f.V4, f.V6)
	if err != nil {
		return LastGood{}, err
	}
	if f.Port == 0 || key == (wgtypes.Key{}) {
		return LastGood{}, errors.New("it has no port or no key")
	}
	return LastGood{f.Written, Identity{secret.NewKey(key), f.Port, f.Other, f.Instance, plan}, f.Peers}, nil
}
