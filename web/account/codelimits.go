package account

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// codeTries is how many codes of one user may be wrong, and then one each tryAgain. A
// code has a million values of which three are right: who knows the password and comes
// from many places would need years.
const codeTries = 2 * tries

// codeLimits counts wrong codes by user. There are no more of them than users who
// have a password.
type codeLimits struct {
	now func() time.Time

	mu     sync.Mutex // guards byUser
	byUser map[int64]*rate.Limiter
}

// take uses one try up, or says how long to wait, in whole seconds.
func (c *codeLimits) take(user int64) (wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byUser == nil {
		c.byUser = map[int64]*rate.Limiter{}
	}
	l := c.byUser[user]
	if l == nil {
		l = rate.NewLimiter(rate.Every(tryAgain), codeTries)
		c.byUser[user] = l
	}
	now := c.now()
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return (wait + time.Second - 1).Truncate(time.Second)
}

// forgive forgets the wrong codes of a user who knew a right one.
func (c *codeLimits) forgive(user int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byUser, user)
}
