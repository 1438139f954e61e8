// Package onuse keeps what is made of the program's own files in memory only while
// somebody uses it: most of the time nobody looks at the page.
package onuse

import (
	"sync"
	"sync/atomic"
	"time"
)

// Value is made when it is asked for, and again after it was forgotten. It is safe for
// use by many at once.
type Value[T any] struct {
	make func() T
	once sync.Mutex // held while it is made
	made atomic.Pointer[made[T]]
}

type made[T any] struct {
	value T
	used  atomic.Int64 // the last time, in nanoseconds since 1970
}

// New returns a value that make makes. Nothing is made yet.
func New[T any](make func() T) *Value[T] { return &Value[T]{make: make} }

// Get returns the value. Who has it may use it for as long as he likes.
func (v *Value[T]) Get() T {
	m := v.made.Load()
	if m == nil {
		m = v.get()
	}
	m.used.Store(time.Now().UnixNano())
	return m.value
}

func (v *Value[T]) get() *made[T] {
	v.once.Lock()
	defer v.once.Unlock()
	if m := v.made.Load(); m != nil {
		return m
	}
	m := &made[T]{value: v.make()}
	v.made.Store(m)
	return m
}

// Forget forgets the value unless somebody asked for it in the last while, and says
// whether there was something to forget.
func (v *Value[T]) Forget(while time.Duration) bool {
	m := v.made.Load()
	if m == nil || time.Now().UnixNano()-m.used.Load() < int64(while) {
		return false
	}
	return v.made.CompareAndSwap(m, nil)
}
