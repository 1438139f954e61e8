package passkeys

import (
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"
)

// answerWithin is how long a question waits for its answer.
const answerWithin = 5 * time.Minute

// maxOpen bounds the questions that wait; the oldest is forgotten for another one.
const maxOpen = 256

// question waits for its answer.
type question struct {
	data  webauthn.SessionData
	site  Site
	user  int64  // who adds a passkey; zero: somebody logs in
	name  string // of the passkey
	until time.Time
}

// questions are those that wait, by their challenge, which is random and secret until
// it is answered.
type questions struct {
	now func() time.Time

	mu   sync.Mutex // guards the fields that follow
	open map[string]question
	age  []string // challenges, the oldest first; of some the question is gone
}

// ask remembers a question.
func (q *questions) ask(one question) {
	one.until = q.now().Add(answerWithin)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = map[string]question{}
	}
	q.open[one.data.Challenge] = one
	q.age = append(q.age, one.data.Challenge)
	for len(q.age) > maxOpen {
		delete(q.open, q.age[0])
		q.age = q.age[1:]
	}
}

// take uses a question up that was asked of a user, or of somebody who logs in, on the
// same site.
func (q *questions) take(challenge string, s Site, user int64) (question, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	one, ok := q.open[challenge]
	delete(q.open, challenge)
	left := one.until.Sub(q.now())
	return one, ok && one.site == s && one.user == user && left > 0 && left <= answerWithin // also when the clock was set back
}
