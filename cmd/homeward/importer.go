package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs/state"
	"homeward/configs/state/foreign"
	"homeward/peers"
	"homeward/peers/imports"
	"homeward/web/api"
)

// importer makes a running homeward another server.
type importer struct {
	a    *appliance
	runs interfaces
	who  doer
}

// Import implements api.Importer.
func (i *importer) Import(ctx context.Context, files map[string][]byte, look bool) (api.Imported, error) {
	files, err := imports.Unpack(files)
	if err != nil {
		return api.Imported{}, importFailure(err)
	}
	server, err := imports.Read(files, func(database []byte, names ...string) (map[string]imports.Table, error) {
		tables, err := foreign.Tables(ctx, i.a.state.Dir(), database, names...)
		out := map[string]imports.Table{}
		for name, rows := range tables {
			out[name] = rows
		}
		return out, err
	})
	if err != nil {
		return api.Imported{}, importFailure(err)
	}
	host, err := hostnet.Read(i.a.settings.Interface)
	if err != nil {
		return api.Imported{}, err
	}
	now := time.Now()
	want, err := server.Check(othersNetworks(host.Taken(), server), now)
	if err != nil {
		return api.Imported{}, importFailure(err)
	}
	id, err := i.identity(want, host)
	if err != nil {
		return api.Imported{}, err
	}
	if n := len(i.a.peers.List()) + len(i.a.peers.LeftOut()); n > 0 {
		return api.Imported{}, importFailure(state.ErrPeersExist)
	}
	done := i.told(server, want, id)
	if look {
		return done, nil
	}
	if err := i.portIsFree(id.ListenPort); err != nil {
		return api.Imported{}, err
	}
	if err := i.a.state.Adopt(ctx, id, func(tx *sql.Tx) error { return peers.Adopt(ctx, tx, want.Devices, now) }); err != nil {
		return api.Imported{}, importFailure(err)
	}
	i.who.did(ctx, "server-imported", nil)
	i.a.log.Info("another server imported: starting again with it", "kind", server.Kind, "port", id.ListenPort, "devices", len(want.Devices))
	i.a.restorer.again()
	return done, nil
}

// othersNetworks leaves out the networks that the old server has on this machine while
// it runs here.
func othersNetworks(taken []netip.Prefix, s imports.Server) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(taken), func(t netip.Prefix) bool {
		return slices.ContainsFunc(s.Addresses, func(own netip.Prefix) bool { return own.Masked() == t.Masked() })
	})
}

// portIsFree refuses a port that somebody else has: homeward could not start again.
func (i *importer) portIsFree(port uint16) error {
	if port == i.a.port || i.a.settings.Port != 0 {
		return nil
	}
	c, err := net.ListenUDP("udp", &net.UDPAddr{Port: int(port)})
	if err != nil {
		return &api.Failure{Status: http.StatusConflict, Field: "port", Err: fmt.Errorf("UDP port %d is in use on this machine: stop the old server first (%w)", port, err)}
	}
	return c.Close()
}

// identity is the server's, with a network of ours where it has none of a family.
func (i *importer) identity(want imports.Wanted, host hostnet.Host) (state.Identity, error) {
	id := state.Identity{PrivateKey: want.PrivateKey, ListenPort: want.Port, Instance: i.a.identity.Instance, Plan: state.Plan{V4: want.V4, V6: want.V6}}
	if id.Plan.V4.IsValid() && id.Plan.V6.IsValid() {
		return id, nil
	}
	own, err := state.ChooseAddressPlan(host.Taken(), rand.Reader)
	if !id.Plan.V4.IsValid() {
		id.Plan.V4 = own.V4
	}
	if !id.Plan.V6.IsValid() {
		id.Plan.V6 = own.V6
	}
	return id, err
}

func (i *importer) told(s imports.Server, want imports.Wanted, id state.Identity) api.Imported {
	done := api.Imported{Kind: s.Kind, PublicKey: id.PrivateKey.Public().String(), Port: id.ListenPort, Endpoint: s.Endpoint, Networks: []string{id.Plan.V4.String(), id.Plan.V6.String()}, Told: want.Told}
	if p := i.a.settings.Port; p != 0 && p != id.ListenPort {
		done.Told = append(done.Told, fmt.Sprintf("The setting port = %d is in force, but the devices call port %d: remove it.", p, id.ListenPort))
	}
	if s.Endpoint != "" && i.a.endpoint == nil {
		done.Told = append(done.Told, fmt.Sprintf("The devices call %s. Codes that are made here say what the router tells, unless you set endpoint to it.", s.Endpoint))
	}
	for _, d := range want.Devices {
		one := api.ImportedDevice{Name: string(d.Name), Enabled: d.Enabled}
		for _, a := range d.Addresses {
			one.Addresses = append(one.Addresses, a.String())
		}
		done.Devices = append(done.Devices, one)
	}
	return done
}

// importFailure makes what is the caller's a failure with its status.
func importFailure(err error) error {
	var problems imports.Problems
	switch {
	case errors.As(err, &problems):
		return &api.Failure{Status: http.StatusUnprocessableEntity, Field: "files", Err: err}
	case errors.Is(err, state.ErrPeersExist):
		return &api.Failure{Status: http.StatusConflict, Field: "files", Err: errors.New("this homeward has devices of its own, whose codes an import would void: remove them first, or import into a homeward that is new (--state DIR)")}
	}
	return err
}
