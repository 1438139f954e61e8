package once

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/secret"
)

var key, asked = Key{"anna", "k"}, Request{1}

// makes counts how often it is done, and says so.
func makes(n *atomic.Int32, status int) func() Answer {
	return func() Answer {
		return Answer{Status: status, Body: secret.NewText(fmt.Sprint("made ", n.Add(1)))}
	}
}

func TestTwentyAtOnceMakeOne(t *testing.T) {
	var s Store
	var n atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, _, err := s.Do(t.Context(), key, asked, false, func() Answer {
				time.Sleep(time.Millisecond)
				return makes(&n, 201)()
			})
			if err != nil || a.Status != 201 || a.Body.Reveal() != "made 1" {
				t.Errorf("%+v %q, %v", a, a.Body.Reveal(), err)
			}
		})
	}
	wg.Wait()
	if n.Load() != 1 {
		t.Errorf("made %d", n.Load())
	}
}

func TestAnotherRequestWithTheSameKeyIsRefused(t *testing.T) {
	var s Store
	var n atomic.Int32
	s.Do(t.Context(), key, asked, false, makes(&n, 201))
	if _, _, err := s.Do(t.Context(), key, Request{2}, false, makes(&n, 201)); !errors.Is(err, ErrOther) {
		t.Errorf("%v", err)
	}
	if _, again, err := s.Do(t.Context(), Key{"ben", "k"}, Request{2}, false, makes(&n, 201)); again || err != nil || n.Load() != 2 {
		t.Errorf("somebody else's key: %v, %v, made %d", again, err, n.Load())
	}
}

func TestWhatCameToNothingIsTriedAgain(t *testing.T) {
	var s Store
	var n atomic.Int32
	for _, status := range []int{400, 503, 201} {
		if a, again, err := s.Do(t.Context(), key, asked, false, makes(&n, status)); again || err != nil || a.Status != status {
			t.Errorf("%+v, %v, %v", a, again, err)
		}
	}
	func() {
		defer func() { recover() }()
		s.Do(t.Context(), Key{"anna", "p"}, asked, false, func() Answer { panic("x") })
	}()
	if _, again, err := s.Do(t.Context(), Key{"anna", "p"}, asked, false, makes(&n, 201)); again || err != nil {
		t.Errorf("after a panic: %v, %v", again, err)
	}
}

func TestWhoWaitsMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Store
		var n atomic.Int32
		hold := make(chan struct{})
		go s.Do(t.Context(), key, asked, false, func() Answer { <-hold; return makes(&n, 201)() })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := s.Do(ctx, key, asked, false, makes(&n, 201)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(hold)
		synctest.Wait()
	})
}

func TestAKeyLastsADayAndASecretTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Store
		var n atomic.Int32
		hidden := Key{"anna", "hidden"}
		s.Do(t.Context(), key, asked, false, makes(&n, 201))
		s.Do(t.Context(), hidden, asked, true, makes(&n, 201))
		time.Sleep(SecretLasts - time.Second)
		if a, again, err := s.Do(t.Context(), hidden, asked, true, makes(&n, 201)); !again || err != nil || a.Body.Reveal() != "made 2" {
			t.Errorf("a secret before its end: %v, %v", again, err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if e := s.keys[hidden]; !e.answer.Body.IsZero() || e.answer.Header != nil {
			t.Error("the secret is still in memory")
		}
		if _, _, err := s.Do(t.Context(), hidden, asked, true, makes(&n, 201)); !errors.Is(err, ErrForgotten) {
			t.Errorf("a secret after its end: %v", err)
		}
		time.Sleep(Lasts - SecretLasts - 2*time.Second)
		if a, again, err := s.Do(t.Context(), key, asked, false, makes(&n, 201)); !again || err != nil || a.Body.Reveal() != "made 1" {
			t.Errorf("a day later: %v, %v", again, err)
		}
		time.Sleep(2 * time.Second)
		if _, again, err := s.Do(t.Context(), key, asked, false, makes(&n, 201)); again || err != nil || len(s.old) != 1 {
			t.Errorf("more than a day later: %v, %v, %d remembered", again, err, len(s.old))
		}
	})
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	var s Store
	var n atomic.Int32
	for i := range maxKeys * 2 {
		for _, caller := range []string{"anna", fmt.Sprint("caller ", i%10)} {
			s.Do(t.Context(), Key{caller, fmt.Sprint(i)}, asked, false, makes(&n, 201))
		}
	}
	of := map[string]int{}
	for _, e := range s.old {
		of[e.key.Caller]++
	}
	if len(s.old) != maxKeys || len(s.keys) != maxKeys || of["anna"] > maxCaller {
		t.Errorf("%d remembered, %d by key, %d of one caller", len(s.old), len(s.keys), of["anna"])
	}
	last := Key{"anna", fmt.Sprint(maxKeys*2 - 1)}
	if _, again, _ := s.Do(t.Context(), last, asked, false, makes(&n, 201)); !again {
		t.Error("the latest is forgotten")
	}
	large := Key{"anna", "large"}
	s.Do(t.Context(), large, asked, false, func() Answer {
		return Answer{Status: 201, Body: secret.NewText(strings.Repeat("x", maxAnswer+1))}
	})
	if _, _, err := s.Do(t.Context(), large, asked, false, makes(&n, 201)); !errors.Is(err, ErrForgotten) {
		t.Errorf("a large answer: %v", err)
	}
}
