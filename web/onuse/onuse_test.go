package onuse

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAValueIsMadeOnUseAndForgottenWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		v := New(func() int { n++; return n })
		if n != 0 || v.Forget(0) {
			t.Errorf("made before anybody asked: %d", n)
		}
		if a, b := v.Get(), v.Get(); a != 1 || b != 1 {
			t.Errorf("made %d times, want once", n)
		}
		time.Sleep(time.Minute)
		if v.Get(); v.Forget(time.Second) {
			t.Error("forgotten just after its use")
		}
		time.Sleep(time.Second)
		if !v.Forget(time.Second) || v.Forget(0) {
			t.Error("it is not forgotten once")
		}
		if got := v.Get(); got != 2 {
			t.Errorf("after it was forgotten it is number %d, want 2", got)
		}
	})
}

func TestManyAtOnceMakeItOnce(t *testing.T) {
	v := New(func() *int { return new(int) })
	var all sync.WaitGroup
	got := make([]*int, 50)
	for i := range got {
		all.Go(func() { got[i] = v.Get() })
	}
	all.Wait()
	for _, p := range got {
		if p != got[0] {
			t.Fatal("two were made")
		}
	}
}
