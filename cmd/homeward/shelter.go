package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/cmd/homeward/internal/hostnet"
	"homeward/cmd/homeward/internal/lifetime"
	"homeward/cmd/homeward/internal/memory"
	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web"
	"homeward/web/api"
	"homeward/web/guard"
	"homeward/web/languages"
)

// shelter is a homeward without its database: devices come in as they did last,
// and nothing can be changed. It is made of the last-good file.
type shelter struct {
	box     *box
	cause   error // why the database cannot be opened, or is not
	exit    *exit
	clock   *timekeeper.Clock
	times   *sightings
	good    state.LastGood
	records peers.Records
	network *networks

	endpoint *peers.Endpoint // what the operator wrote down, or nil
	tunnel   *tunnel.Tunnel
	mapper   *upnp.Mapper // nil: the router is not asked
}

// serveWithout runs a shelter when opening the state directory failed, or returns
// the cause where that cannot be. It ends by itself when the directory can be opened;
// where that was not what failed, only when the disk itself did.
func (b *box) serveWithout(ctx context.Context, cause error, opened bool) (err error) {
	if errors.Is(cause, state.ErrLocked) || ctx.Err() != nil {
		return cause
	}
	st, err := state.OpenShelter(b.settings.StateDir)
	if err != nil {
		return cause
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	sh := &shelter{box: b, cause: cause, exit: newExit(b.again(st), firstLook)}
	if opened {
		sh.exit.after = b.relapse(cause)
	}
	if sh.good, err = st.LastGood(); err != nil {
		if errors.Is(err, state.ErrNoLastGood) {
			return cause // a first start that failed
		}
		return errors.Join(cause, err)
	}
	b.harden(st)
	b.log.Error("the database cannot be opened: devices come in as they did last, and nothing can be changed", "err", cause, "as_of", sh.good.Written)
	return sh.serve(ctx, st)
}

// patience is how long a database that the disk does not give back is waited for until
// a snapshot takes its place.
const patience = 15 * time.Minute

// again says whether the state directory could be opened now.
func (b *box) again(st *state.State) func(context.Context) error {
	began := time.Now()
	return func(ctx context.Context) error { return st.Try(ctx, time.Since(began) > patience, b.log) }
}

// relapse is how long a shelter lasts until it is tried whether a database that could
// be opened can be read as well; zero means for ever, since nobody mends its content.
func (b *box) relapse(cause error) time.Duration {
	if api.TroubleOf(cause) == "" {
		return 0
	}
	b.relapses++
	return min(lastLook, firstLook<<min(b.relapses, 10))
}

func (sh *shelter) serve(ctx context.Context, st *state.State, more ...lifetime.Part) error {
	b := sh.box
	var leftOut []peers.LeftOut
	var err error
	sh.clock = timekeeper.New(timekeeper.Config{Newest: sh.good.Written, Wall: b.tty.wall})
	sh.times = &sightings{clock: sh.clock}
	if sh.records, leftOut, err = peers.ParseRecords(sh.good.Peers); err != nil {
		return errors.Join(sh.cause, err)
	}
	for _, l := range leftOut {
		b.log.Error("a device is damaged in the last-good file and stays out", "name", l.Name, "err", l.Err)
	}
	host, err := hostnet.Read(b.settings.Interface)
	if err != nil {
		return err
	}
	sh.network = networksOf(host)
	port := b.settings.Port
	if port == 0 {
		port = sh.good.Identity.ListenPort
	}
	if sh.endpoint, err = operatorsEndpoint(b.settings, port); err != nil {
		return err
	}
	if sh.tunnel, err = newTunnel(b, st, sh.good.Identity, port, nil, clashOf(sh.good.Identity.Plan, host).hides()); err != nil {
		return err
	}
	open := port
	if other := sh.good.Identity.OtherPort; other != 0 && b.settings.Port == 0 {
		open = other // no third one is looked for: it could not be remembered
		if err := sh.tunnel.SetFurtherPorts([]uint16{other}); err != nil {
			return err
		}
	}
	if b.settings.MapPort {
		if sh.mapper, err = upnp.New(mapperConfig(b.settings, sh.good.Identity, open, b.log)); err != nil {
			return err
		}
	}
	_, safe := sh.inSafeMode()
	shown := web.Shelter{Safe: safe, Returns: sh.exit.after > 0}
	names := func() []string { return pageNames(b.settings) }
	page, err := openPageSockets(st, b.settings, host, guard.Handler(guard.Hosts{Names: names}, nil, shown.Handler()), b.log)
	if err != nil {
		b.log.Error("the admin page cannot be opened", "err", err)
	}
	parts := append([]lifetime.Part{
		{Name: "tunnel", Run: sh.tunnel.Run, Ready: sh.tunnel.Ready()},
		{Name: "devices", Run: sh.letIn},
		{Name: "way out", Run: sh.exit.Run},
	}, more...)
	if page != nil {
		parts = append(parts, lifetime.Part{Name: "admin page", Run: page.Run})
	}
	if sh.mapper != nil {
		parts = append(parts, lifetime.Part{Name: "port mapper", Run: sh.mapper.Run})
	}
	// On a read-only disk an old socket cannot be removed: then there is none.
	restorer := newRestorer(st, b.log)
	sh.exit.alone = restorer.alone // an opening would clear away what is being restored
	socket, err := openSocket(st.Path(socketFile), api.ShelterHandler(api.ShelterConfig{Status: sh.status, Restorer: restorer, Leave: sh.exit.Leave, Why: shown.Why(languages.English()), Logger: b.log}))
	if err != nil {
		b.log.Error("the command line cannot ask this homeward", "err", err)
	} else {
		parts = append(parts, lifetime.Part{Name: "restored backup", Run: restorer.Run}, lifetime.Part{Name: "command line's socket", Run: socket.Run}, b.word(st, sh.tunnel, func() bool { return restorer.restored() || sh.exit.left() }))
	}
	parts = append(parts, lifetime.Part{Name: "memory", Run: memory.Settle(languages.Load().Forget)}, lifetime.Part{Name: "status block", Run: func(ctx context.Context) error {
		printSettled(ctx, b.tty, sh.status)
		<-ctx.Done()
		return nil
	}})
	return lifetime.Run(ctx, grace, parts...)
}

func (sh *shelter) inSafeMode() (crashLoop, bool) {
	var loop crashLoop
	safe := errors.As(sh.cause, &loop)
	return loop, safe
}

// letIn gives the tunnel the devices, and takes away those whose time is over.
func (sh *shelter) letIn(ctx context.Context) error {
	to := device{sh.tunnel, sh.box.settings.AdminPort, sh.times}
	tick := time.NewTicker(time.Second) // a timer would not hear of it when the clock is set
	defer tick.Stop()
	var end, told time.Time
	for first := true; ; first = false {
		now := sh.clock.Now()
		if first || !end.IsZero() && !now.Before(end) || now.Before(told.Add(-time.Second)) { // then somebody's time is not over after all
			told = now
			var list []peers.DevicePeer
			list, end = sh.records.Wanted(now)
			if err := to.SetPeers(list); err != nil {
				return fmt.Errorf("letting the devices in: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// status is the way home without the database.
func (sh *shelter) status() api.Status {
	router := upnp.Off(sh.good.Identity.ListenPort)
	if sh.mapper != nil {
		router = sh.mapper.Status()
	}
	list, now := sh.seen(), sh.clock.Now()
	s := api.Status{Version: version, Joints: []api.Joint{sh.memoryJoint()}, Facts: []api.Fact{
		{Name: "devices", Value: fmt.Sprint(sh.records.Len())},
		{Name: "as of", Value: sh.good.Written.Local().Format(time.DateTime)},
		{Name: "state directory", Value: sh.box.settings.StateDir},
	}}
	s.Joints = append(s.Joints, wayHome(sh.tunnel.Status(), router, dnsname.Status{}, endpointFor(sh.endpoint, dnsname.Status{}, router), list, knockProofs(sh.tunnel.Knocks()), sh.network.home, now)...)
	s.Reachability = reachability(list, knockProofs(sh.tunnel.Knocks()), router, upnp.Sighting{}, sh.network.home, now)
	s.Joints = append(s.Joints, homeJoint(sh.tunnel.Status(), router, sh.tunnel.Counters(), sh.network))
	return s
}

// seen is what the device saw of each peer, which is what evidence is made of.
func (sh *shelter) seen() []peers.Peer {
	var list []peers.Peer
	for key, o := range (device{sh.tunnel, 0, sh.times}).Observed() {
		list = append(list, peers.Peer{PublicKey: key, Observed: o})
	}
	return list
}

func (sh *shelter) memoryJoint() api.Joint {
	j := api.Joint{Key: "memory", Title: "Memory", State: api.JointFailed,
		Summary: fmt.Sprintf("The database cannot be opened. Devices come in as they did on %s (%d of them); nothing can be changed.", sh.good.Written.Local().Format(time.DateTime), sh.records.Len()),
		Advice:  fmt.Sprintf("%v. Mend that and start homeward again, or restore a backup.", sh.cause)}
	if errors.Is(sh.cause, state.ErrNewerSchema) {
		j.Advice = fmt.Sprintf("%v.", sh.cause)
	}
	if loop, safe := sh.inSafeMode(); safe {
		j.Summary = fmt.Sprintf("Safe mode. Devices come in as they did on %s (%d of them); nothing can be changed.", sh.good.Written.Local().Format(time.DateTime), sh.records.Len())
		j.Advice = fmt.Sprintf("%v. It starts normally by itself %s after safe mode began, or at once by: homeward admin start-normally", loop, inMinutes(sh.exit.after))
	}
	return j
}

// ofDatabase says whether what is in the database is behind an error.
func ofDatabase(err error) bool {
	var coded interface{ Code() int } // as SQLite's errors have it
	return errors.Is(err, state.ErrCorrupt) || errors.Is(err, state.ErrLost) || errors.As(err, &coded)
}
