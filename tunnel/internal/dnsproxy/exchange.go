package dnsproxy

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// patience is how long one resolver may take.
const patience = 2 * time.Second

var errMismatch = errors.New("the answer is not for this question")

// query is what an answer has to match.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
}

// parseQuery reads header and question of a message that must be a query with
// exactly one.
func parseQuery(message []byte) (query, bool) {
	q, err := parse(message)
	return q, err == nil && !q.header.Response
}

func parse(message []byte) (query, error) {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil {
		return query{}, err
	}
	questions, err := p.AllQuestions()
	if err != nil {
		return query{}, err
	}
	if len(questions) != 1 {
		return query{}, errMismatch
	}
	return query{h, questions[0]}, nil
}

// answeredBy says whether message is the answer to q under id.
func (q query) answeredBy(message []byte, id uint16) bool {
	a, err := parse(message)
	return err == nil && a.header.Response && a.header.ID == id &&
		a.question.Type == q.question.Type && a.question.Class == q.question.Class &&
		strings.EqualFold(a.question.Name.String(), q.question.Name.String())
}

// serverFailure is the answer of a resolver that could not find out (RFC 1035, 4.1.1).
func (q query) serverFailure() []byte {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.header.ID, Response: true, RecursionDesired: q.header.RecursionDesired, RecursionAvailable: true, RCode: dnsmessage.RCodeServerFailure},
		Questions: []dnsmessage.Question{q.question},
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}

// isUnwilling says whether a resolver answered that it cannot or will not say.
func isUnwilling(answer []byte) bool {
	a, err := parse(answer)
	if err != nil {
		return true
	}
	switch a.header.RCode {
	case dnsmessage.RCodeServerFailure, dnsmessage.RCodeRefused, dnsmessage.RCodeNotImplemented:
		return true
	}
	return false
}

// exchange asks one resolver from a socket, and with an id, made for this query.
func exchange(ctx context.Context, network string, resolver netip.AddrPort, message []byte, q query) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, network, resolver.String()) // connected: only the resolver's answers arrive
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var id [2]byte
	rand.Read(id[:])
	message = slices.Clone(message)
	copy(message, id[:])
	answer, err := converse(c, network, message, q, binary.BigEndian.Uint16(id[:]))
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint16(answer, q.header.ID)
	return answer, nil
}

func converse(c net.Conn, network string, message []byte, q query, id uint16) ([]byte, error) {
	if network == "tcp" {
		if err := writeFramed(c, message); err != nil {
			return nil, err
		}
		answer, err := readFramed(c)
		if err == nil && !q.answeredBy(answer, id) {
			err = errMismatch
		}
		return answer, err
	}
	if _, err := c.Write(message); err != nil {
		return nil, err
	}
	b := make([]byte, maxMessage)
	for { // a forged answer must not end the wait for the true one
		n, err := c.Read(b)
		if err != nil {
			return nil, err
		}
		if q.answeredBy(b[:n], id) {
			return b[:n], nil
		}
	}
}
