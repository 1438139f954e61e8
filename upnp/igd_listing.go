package upnp

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lister is a connection of IGD 2, which can tell its table in one piece.
type lister interface {
	GetListOfPortMappingsCtx(ctx context.Context, start, end uint16, protocol string, manage bool, most uint16) (string, error)
}

var errListing = errors.New("the list of port mappings can't be read")

// listing reads the table protocol by protocol. ok is false when the router would
// not tell everything that way: the rows are then to be read one by one.
func (s *igdSession) listing(ctx context.Context, c lister, most int) (list []row, complete, ok bool) {
	complete = true
	for _, protocol := range []string{"TCP", udp} {
		var text string
		// From port 1: some routers refuse 0. Managing is to see others' entries.
		a := s.call(ctx, "GetListOfPortMappings", func(ctx context.Context) (err error) {
			text, err = c.GetListOfPortMappingsCtx(ctx, 1, 65535, protocol, true, uint16(most))
			return err
		})
		if a.outcome == notThere {
			continue
		}
		if !a.ok() {
			return nil, false, false
		}
		part, err := parseListing(text, most+1)
		if err != nil || slices.ContainsFunc(part, func(r row) bool { return !strings.EqualFold(r.protocol, protocol) }) {
			s.log.Debug("not using the router's list", "err", err)
			return nil, false, false
		}
		complete = complete && len(part) < most
		list = append(list, part...)
	}
	if len(list) > most {
		list, complete = list[:most], false
	}
	return list, complete, true
}

// parseListing reads a PortMappingList (WANIPConnection:2 section 2.3.25), at most
// so many rows of it. Names count without their namespace.
func parseListing(text string, most int) ([]row, error) {
	body := toUTF8([]byte(text))
	if err := checkDepth(body); err != nil {
		return nil, fmt.Errorf("%w: %w", errListing, err)
	}
	d := newDecoder(body)
	var list []row
	for root := false; len(list) < most; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !root {
				return nil, fmt.Errorf("%w: it holds no list", errListing)
			}
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errListing, err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "PortMappingList":
			root = true
		case start.Name.Local == "PortMappingEntry" && root:
			values := make(map[string]string)
			if err := eachLeaf(d, func(name, text string) { values[name] = text }); err != nil {
				return nil, err
			}
			r, err := rowOf(values)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
	}
	return list, nil
}

// rowOf reads one PortMappingEntry. Like in the answers to actions, a missing lease
// is none that one could rely on, and a row is on unless it says otherwise.
func rowOf(v map[string]string) (row, error) {
	external, err := strconv.ParseUint(v["NewExternalPort"], 10, 16)
	if err != nil {
		return row{}, fmt.Errorf("%w: external port %q", errListing, clean(v["NewExternalPort"]))
	}
	internal, err := strconv.ParseUint(v["NewInternalPort"], 10, 16)
	if err != nil {
		return row{}, fmt.Errorf("%w: internal port %q", errListing, clean(v["NewInternalPort"]))
	}
	lease, err := strconv.ParseUint(v["NewLeaseTime"], 10, 32)
	if err != nil {
		lease = 0
	}
	off := v["NewEnabled"] == "0" || strings.EqualFold(v["NewEnabled"], "false") || strings.EqualFold(v["NewEnabled"], "no")
	return row{
		entry: entry{external: uint16(external), internal: uint16(internal), client: v["NewInternalClient"], enabled: !off,
			description: v["NewDescription"], lease: time.Duration(lease) * time.Second},
		remote: v["NewRemoteHost"], protocol: v["NewProtocol"],
	}, nil
}
