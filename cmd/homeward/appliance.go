package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"homeward/cmd/homeward/internal/backups"
	"homeward/cmd/homeward/internal/dnsname"
	"homeward/cmd/homeward/internal/hardening"
	"homeward/cmd/homeward/internal/hostnet"
	"homeward/cmd/homeward/internal/house"
	"homeward/cmd/homeward/internal/lifetime"
	"homeward/cmd/homeward/internal/memory"
	"homeward/cmd/homeward/internal/running"
	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/cmd/homeward/internal/watch"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/history"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/upnp/byhand"
	"homeward/upnp/forwards"
	"homeward/upnp/proven"
	"homeward/web/account"
	"homeward/web/account/passkeys"
	"homeward/web/account/tokens"
	"homeward/web/api"
)

// grace is how long each part may take to stop.
const grace = 5 * time.Second

// appliance is all parts of a running homeward.
type appliance struct {
	hardened []hardening.Result // which rights the process gave up
	settings configs.Settings
	state    *state.State
	identity state.Identity
	budget   memory.Budget
	log      *slog.Logger

	clock    *timekeeper.Clock
	endpoint *peers.Endpoint // what the operator's file says, or nil
	book     *house.Keeper   // what is set for the house besides
	networks atomic.Pointer[networks]
	clash    atomic.Pointer[clash]   // nil: the tunnel's network is its own
	aside    bool                    // the tunnel is rootless because of that
	hairpin  atomic.Pointer[hairpin] // nil: not known
	echo     atomic.Pointer[echoed]  // nil: nobody was asked

	tunnel  *tunnel.Tunnel
	peers   *peers.Manager
	events  history.Stream
	history *history.Recorder
	watcher *watch.Watcher
	mapper  *upnp.Mapper // nil: the router is not asked
	name    *dnsname.Keeper
	// forwards are the ports that the owner wants open besides.
	forwards *forwards.Book
	byHand   *byhand.Book // what he said of the router
	proven   *proven.Book // what proved the way in, over a restart
	account  *account.Account
	tokens   *tokens.Book
	passkeys *passkeys.Book
	tests    *peerTests
	knocks   *knocks
	backups  *backups.Keeper
	restorer *restorer
	renumber *renumberer
	running  *running.Machine
	page     *adminPage
	turns    api.Turns // of those who change the house on the page and on the socket
	keeper   *lastGoodKeeper
	port     uint16
}

// assemble makes the parts. It starts none of them and, apart from the state
// directory and the admin page's sockets, changes nothing.
func assemble(ctx context.Context, b *box, st *state.State) (*appliance, error) {
	s, log := b.settings, b.log
	a := &appliance{settings: s, state: st, budget: b.budget, log: log, hardened: b.hardened, restorer: newRestorer(st, log), running: running.New(s.Interface)}
	a.tests, a.knocks, a.renumber = &peerTests{a: a}, &knocks{a: a}, &renumberer{a: a}
	host, err := hostnet.Read(s.Interface)
	if err != nil {
		return nil, err
	}
	if err := a.identify(ctx, host); err != nil {
		return nil, err
	}
	a.aside = a.clash.Load().hides()
	if a.endpoint, err = operatorsEndpoint(s, a.port); err != nil {
		return nil, err
	}
	a.networks.Store(networksOf(host))
	if problem := a.networks.Load().problem; problem != "" {
		log.Warn("the container's network is in the way", "problem", problem)
	}
	if err := a.makeParts(ctx, b); err != nil {
		return nil, err
	}
	a.backups = backups.New(ctx, backups.Config{Vault: st, Gather: a.gather, Instance: a.identity.Instance, Own: a.state.Path(state.BackupFolder), MayWrite: b.mayWrite(st), Tell: a.tellBackup, Logger: log})
	a.page, err = a.openPage(host)
	return a, err
}

// identify reads or makes the identity and sees to it that the tunnel's
// networks are not the house's. Where codes have them already, it only notes that.
func (a *appliance) identify(ctx context.Context, host hostnet.Host) error {
	taken := host.Home()
	choose := func() (state.Plan, error) { return state.ChooseAddressPlan(taken, rand.Reader) }
	var err error
	if a.identity, err = a.state.EnsureIdentity(ctx, choose); err != nil {
		return err
	}
	if a.port = a.settings.Port; a.port == 0 {
		a.port = a.identity.ListenPort
	}
	mine, theirs, found := a.identity.Plan.Conflict(taken)
	if !found {
		return nil
	}
	next, err := choose()
	if err == nil {
		err = a.state.SetPlan(ctx, next)
	}
	if errors.Is(err, state.ErrPeersExist) {
		a.noteClash(a.identity.Plan, host)
		return nil
	}
	if err != nil {
		return err
	}
	a.log.Info("tunnel's network changed, since it is used here", "old", mine, "used", theirs, "new", next.V4)
	a.identity.Plan = next
	return nil
}

// router is what the mapper knows.
func (a *appliance) router() upnp.Status {
	if a.mapper != nil {
		return a.mapper.Status()
	}
	s := upnp.Off(a.port)
	if a.byHand != nil && !a.byHand.Said().Since.IsZero() {
		s.Verdict, s.Since, s.Advice = upnp.ByHand, a.byHand.Said().Since, ""
	}
	return s
}

// facts is what the next code is made of.
func (a *appliance) facts() peers.Facts {
	own := a.plan().Own()
	f := peers.Facts{
		PublicKey: a.identity.PrivateKey.Public(), Endpoint: a.callAt(a.router()),
		MTU: a.book.Settings().ClientMTU(), Tunnel: own, LAN: a.networks.Load().lan,
	}
	for _, p := range own {
		f.DNS = append(f.DNS, p.Addr())
	}
	return f
}

// status is the way home at this moment, and what there is to know besides.
func (a *appliance) status() api.Status {
	router := a.router()
	now := a.clock.Now()
	list, others, home := a.peers.List(), a.otherProofs(router, now), a.networks.Load().home
	s := api.Status{Version: version, Facts: a.findings(now), Backup: a.backupKeeper("").Backup(), Joints: a.jointsOf(router, list, others, home, now)}
	if _, proven := evidence(list, others, router, home, now); needsHands(router, proven) {
		if g, err := a.guide(""); err == nil {
			s.Guide = &g
		}
	}
	s.Reachability = a.judge(list, others, router, home, now)
	s.Names, s.Hairpin, s.Knocks = a.houseNames(), a.atHome(), a.knocks.HeardKnocks()
	return s
}

// joints are those of the way home at this moment.
func (a *appliance) joints() []api.Joint {
	router, now := a.router(), a.clock.Now()
	return a.jointsOf(router, a.peers.List(), a.otherProofs(router, now), a.networks.Load().home, now)
}

func (a *appliance) jointsOf(router upnp.Status, list []peers.Peer, others []upnp.Proof, home []netip.Prefix, now time.Time) []api.Joint {
	joints := wayHome(a.tunnel.Status(), router, a.name.Status(), a.callAt(router), list, others, home, now)
	for i := range joints {
		if joints[i].Key == "address" {
			sayEcho(&joints[i], a.echo.Load(), router)
		}
	}
	if j, ok := a.memoryJoint(); ok {
		joints = append(joints, j)
	}
	if j, ok := a.networkJoint(); ok {
		joints = slices.Insert(joints, 0, j) // what else does not work may be due to it
	}
	return append(joints, homeJoint(a.tunnel.Status(), router, a.tunnel.Counters(), a.networks.Load()))
}

// houseBook is the settings of the house as the page and the command line see them.
func (a *appliance) houseBook() houseBook {
	return houseBook{keeper: a.book, file: shownSettings(a.settings), calls: func() *peers.Endpoint { return a.callAt(a.router()) }, forget: a.forgetKept}
}

// api is what the page and the local socket are made of; actor is who uses it.
func (a *appliance) api(actor string) api.Config {
	who := doer{a.events.Publish, actor}
	return api.Config{
		Turns:      &a.turns,
		Accounts:   recordedAccounts{a.account, who},
		Tokens:     recordedTokens{a.tokens, who},
		Restorer:   a.restorer,
		Peers:      recorded{a.peers, who},
		History:    a.history,
		Status:     a.status,
		Router:     recordedRouter{a.routerTable(), who},
		Forwards:   recordedForwards{a.forwardBook(), who},
		DNS:        recordedDNS{nameKeeper{a.name}, who},
		House:      recordedHouse{a.houseBook(), who},
		Renumberer: recordedRenumberer{a.renumber, who},
		Backups:    a.backupKeeper(actor),
		Importer:   &importer{a, a.running, who},
		Tests:      a.tests,
		Knocks:     a.knocks,
		PageURL:    func() string { return a.page.base },
		Logger:     a.log,
		Support:    a.supportBundle,
	}
}

// run runs all parts until ctx ends. The router is told before the tunnel ends,
// and nobody can change anything any more by then.
func (a *appliance) run(ctx context.Context, more ...lifetime.Part) error {
	parts := []lifetime.Part{
		{Name: "tunnel", Run: a.tunnel.Run, Ready: a.tunnel.Ready()},
		{Name: "peer manager", Run: a.peers.Run},
		{Name: "history", Run: a.history.Run},
		{Name: "events in the log", Run: a.logEvents},
		{Name: "look for events", Run: a.watcher.Run},
		{Name: "last-good file", Run: a.keeper.Run},
		{Name: "daily snapshots", Run: func(ctx context.Context) error { return a.state.KeepDaily(ctx, a.clock.Now, a.log) }},
		{Name: "look at the network", Run: a.followNetworks},
		{Name: "DNS name", Run: a.name.Run},
		{Name: "ask where home is seen", Run: a.followEcho},
		{Name: "keep what proves the way in", Run: a.keepProofs},
		{Name: "admin page", Run: a.page.Run},
	}
	if a.mapper != nil {
		parts = append(parts, lifetime.Part{Name: "port mapper", Run: a.mapper.Run}, lifetime.Part{Name: "look for a hairpin", Run: a.followHairpin})
	}
	return lifetime.Run(ctx, grace, append(parts, more...)...)
}
