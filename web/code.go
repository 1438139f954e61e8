package web

import (
	"slices"

	"homeward/peers"
)

// codeView is a code that can still be scanned.
type codeView struct {
	ID        int64
	FileName  string
	Until     string
	Kept      bool // it can be had after that, too
	Again     bool // it is after that
	Picture   bool // false: the device keeps its own key, so that there is only text
	Warnings  []string
	Other     string // the profile of the second code
	OtherFile string
	Hairpin   string
}

func (s *Server) codeOf(i peers.Issued) *codeView {
	v := &codeView{
		ID: int64(i.Peer.ID), FileName: i.Client.FileName() + ".conf", Until: i.Until.Local().Format("15:04"), Kept: i.Kept, Again: i.Until.IsZero(),
		Picture: !i.Client.PrivateKey.IsZero(), Warnings: slices.Clone(i.Client.Endpoint.Warnings), Other: string(i.Client.OtherProfile()),
		Hairpin: string(s.cfg.Status().Hairpin),
	}
	if other, err := i.As(i.Client.OtherProfile()); err == nil { // a profile of ours always is one
		v.OtherFile = other.FileName() + ".conf"
	}
	return v
}
