package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// ErrNotRunning says that nobody answers on the socket.
var ErrNotRunning = errors.New("homeward is not running here")

// maxAnswer bounds what the client reads: 10,000 peers are about 5 MiB.
const maxAnswer = 64 << 20

// Client talks to a running homeward over its unix socket.
type Client struct {
	socket string
	http   http.Client
}

// NewClient makes a client for the socket at path. It connects at the first call.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Client{path, http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 30 * time.Second}}
}

// Status asks for the way home.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.call(ctx, "GET", "/api/v1/status", nil, &s)
	return s, err
}

// Peers lists all peers, by name.
func (c *Client) Peers(ctx context.Context) ([]Peer, error) {
	var list []Peer
	err := c.call(ctx, "GET", "/api/v1/peers", nil, &list)
	return list, err
}

// FindPeers lists the peers that have the words in their name, note or kind, or at the
// beginning of an address, in one of peers.Orders; all for no words, by name for no order.
func (c *Client) FindPeers(ctx context.Context, words, order string) ([]Peer, error) {
	var list []Peer
	err := c.call(ctx, "GET", "/api/v1/peers?"+url.Values{"search": {words}, "sort": {order}}.Encode(), nil, &list)
	return list, err
}

// AddPeer adds a peer.
func (c *Client) AddPeer(ctx context.Context, p NewPeer) (Issued, error) {
	var i Issued
	err := c.call(ctx, "POST", "/api/v1/peers", p, &i)
	return i, err
}

// EditPeer changes a peer, whatever its version.
func (c *Client) EditPeer(ctx context.Context, id int64, change PeerChange) (Peer, error) {
	var p Peer
	err := c.call(ctx, "PATCH", peerPath(id), change, &p)
	return p, err
}

// Rotate hands out a new code for a peer.
func (c *Client) Rotate(ctx context.Context, id int64, n NewCode) (Issued, error) {
	var i Issued
	err := c.call(ctx, "POST", peerPath(id)+"/code", n, &i)
	return i, err
}

// Invite makes a link that hands out a new code of a peer, once.
func (c *Client) Invite(ctx context.Context, id int64, n InviteWanted) (Invite, error) {
	var i Invite
	err := c.call(ctx, "POST", peerPath(id)+"/invite", n, &i)
	return i, err
}

// BeginTest begins to follow a peer on its way in.
func (c *Client) BeginTest(ctx context.Context, id int64) (PeerTest, error) {
	var t PeerTest
	err := c.call(ctx, "POST", peerPath(id)+"/test", nil, &t)
	return t, err
}

// Test says how far a peer has come since its test began.
func (c *Client) Test(ctx context.Context, id int64) (PeerTest, error) {
	var t PeerTest
	err := c.call(ctx, "GET", peerPath(id)+"/test", nil, &t)
	return t, err
}

// RemovePeerLater removes a peer when undo is over, unless KeepPeer is called before.
func (c *Client) RemovePeerLater(ctx context.Context, id int64, undo time.Duration) (Peer, error) {
	var p Peer
	err := c.call(ctx, "DELETE", peerPath(id)+"?undo_seconds="+strconv.Itoa(int(undo/time.Second)), nil, &p)
	return p, err
}

// KeepPeer undoes RemovePeerLater.
func (c *Client) KeepPeer(ctx context.Context, id int64) (Peer, error) {
	var p Peer
	err := c.call(ctx, "POST", peerPath(id)+"/keep", nil, &p)
	return p, err
}

// RemovePeer ends a peer's access and deletes it.
func (c *Client) RemovePeer(ctx context.Context, id int64) error {
	return c.call(ctx, "DELETE", peerPath(id), nil, nil)
}

// Config fetches a form of a config that is still remembered: config, qr.png,
// qr.svg, qr.txt or mobileconfig, as the query asks for it.
func (c *Client) Config(ctx context.Context, id int64, form string, query url.Values) ([]byte, error) {
	path := peerPath(id) + "/" + form
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var b []byte
	err := c.call(ctx, "GET", path, nil, &b)
	return b, err
}

// Ports reads the router's table.
func (c *Client) Ports(ctx context.Context) (PortTable, error) {
	var t PortTable
	err := c.call(ctx, "GET", "/api/v1/ports", nil, &t)
	return t, err
}

// Guide says how homeward's port is opened by hand on a router; an empty one is the
// router that is there.
func (c *Client) Guide(ctx context.Context, router string) (Guide, error) {
	var g Guide
	err := c.call(ctx, "GET", "/api/v1/guide?router="+url.QueryEscape(router), nil, &g)
	return g, err
}

// ForwardByHand notes that the owner forwards homeward's port himself.
func (c *Client) ForwardByHand(ctx context.Context, router string) error {
	return c.call(ctx, "PUT", "/api/v1/guide/by-hand", ByHand{router}, nil)
}

// AskRouterAgain takes that back.
func (c *Client) AskRouterAgain(ctx context.Context) error {
	return c.call(ctx, "DELETE", "/api/v1/guide/by-hand", nil, nil)
}

// ClosePort removes an entry of the router's table.
func (c *Client) ClosePort(ctx context.Context, protocol string, external uint16) error {
	return c.call(ctx, "DELETE", "/api/v1/ports/"+url.PathEscape(protocol)+"/"+strconv.Itoa(int(external)), nil, nil)
}

// SetPassword sets the admin page's password.
func (c *Client) SetPassword(ctx context.Context, password string) error {
	return c.call(ctx, "PUT", "/api/v1/admin/password", Password{password}, nil)
}

// SetupLink makes another setup link.
func (c *Client) SetupLink(ctx context.Context) (SetupLink, error) {
	var l SetupLink
	err := c.call(ctx, "POST", "/api/v1/admin/setup-link", nil, &l)
	return l, err
}

func peerPath(id int64) string { return "/api/v1/peers/" + strconv.FormatInt(id, 10) }

// call sends in as JSON, if not nil, and reads the answer into out: raw for a
// *[]byte, else JSON.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://homeward"+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unanswered(err)
	}
	defer resp.Body.Close()
	return answer(resp, out)
}

// unanswered says why there is no answer.
func (c *Client) unanswered(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: nobody answers on %s: start it with 'homeward serve', or name its state directory with --state", ErrNotRunning, c.socket)
	}
	return fmt.Errorf("asking homeward on %s: %w", c.socket, err)
}

func answer(resp *http.Response, out any) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading homeward's answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		var p Problem
		if json.Unmarshal(b, &p) != nil || p.Detail == "" {
			return fmt.Errorf("homeward answers %s", resp.Status)
		}
		return &p
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = b
		return nil
	}
	return json.Unmarshal(b, out)
}
