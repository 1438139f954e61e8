package account

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"homeward/web/throttle"
)

const (
	// codeTries is how many codes of one user may be wrong, and then one each tryAgain.
	// A code has a million values of which three are right: who knows the password and
	// comes from many places would need most of a year.
	codeTries = 2 * tries
	// maxKnown bounds the places that are counted by themselves.
	maxKnown = 4
)

// codeLimits counts wrong codes by user, wherever they come from: but for places from
// which a right one came, each of which is counted by itself. So one who only knows
// the password cannot slow the owner down, unless they sit in the same place.
// There are no more of them than users who have a password.
type codeLimits struct {
	now func() time.Time

	mu     sync.Mutex // guards byUser
	byUser map[int64]*userCodes
}

// userCodes are the limits of one user.
type userCodes struct {
	strangers *rate.Limiter
	known     []knownPlace // the latest last
}

// knownPlace is one from which a right code came.
type knownPlace struct {
	at    netip.Prefix
	limit *rate.Limiter
}

func newCodeLimit() *rate.Limiter { return rate.NewLimiter(rate.Every(tryAgain), codeTries) }

func (c *codeLimits) ofLocked(user int64) *userCodes {
	if c.byUser == nil {
		c.byUser = map[int64]*userCodes{}
	}
	if c.byUser[user] == nil {
		c.byUser[user] = &userCodes{strangers: newCodeLimit()}
	}
	return c.byUser[user]
}

// take uses one try up, which undo gives back, or says how long to wait, in whole
// seconds.
func (c *codeLimits) take(user int64, from netip.Addr) (undo func(), wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, now := c.ofLocked(user), c.now()
	limit, at := u.strangers, throttle.Place(from)
	for _, k := range u.known {
		if k.at == at {
			limit = k.limit
		}
	}
	r := limit.ReserveN(now, 1)
	undo = func() { r.CancelAt(now) }
	if wait = r.DelayFrom(now); wait > 0 {
		undo()
	}
	return undo, (wait + time.Second - 1).Truncate(time.Second)
}

// know remembers a place from which a user's right code came, with all of its tries.
func (c *codeLimits) know(user int64, from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, at := c.ofLocked(user), throttle.Place(from)
	u.known = slices.DeleteFunc(u.known, func(k knownPlace) bool { return k.at == at })
	u.known = append(u.known, knownPlace{at, newCodeLimit()})
	if len(u.known) > maxKnown {
		u.known = slices.Delete(u.known, 0, 1)
	}
}

// forget forgets all about a user.
func (c *codeLimits) forget(user int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byUser, user)
}
