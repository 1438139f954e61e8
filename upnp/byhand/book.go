package byhand

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"homeward/upnp/guide"
)

// Mapper is what a Book needs of the port mapper.
type Mapper interface{ SetByHand(bool) }

// Said is what is known. It is a snapshot.
type Said struct {
	// Since is when the owner said that he forwards the port; zero: he doesn't.
	Since time.Time
	// Brand is the router's; empty: not known.
	Brand guide.Brand
	// Chosen is set when the owner named the brand, and not the router.
	Chosen bool
}

// Book keeps what was said. It may be used by several goroutines at once.
type Book struct {
	store  store
	mapper Mapper // nil: the router is not asked anyway

	mu   sync.Mutex // guards said; held over the database, which has one writer anyway
	said Said
}

// New reads what was said and tells the mapper, which may be nil.
func New(ctx context.Context, db *sql.DB, m Mapper) (*Book, error) {
	b := &Book{store: store{db}, mapper: m}
	var err error
	if b.said, err = b.store.read(ctx); err != nil {
		return nil, err
	}
	b.tell()
	return b, nil
}

// Said returns what is known.
func (b *Book) Said() Said {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said
}

// Forwarded notes that the owner forwards the port himself, on a router of that brand;
// an empty or generic one says nothing new of it. Said twice it is the first time that counts.
func (b *Book) Forwarded(ctx context.Context, brand guide.Brand) error {
	return b.change(ctx, func(s *Said) {
		if s.Since.IsZero() {
			s.Since = time.Now().Truncate(time.Second)
		}
		if brand != "" && brand != guide.Generic {
			s.Brand, s.Chosen = brand, true
		}
	})
}

// AskAgain notes that the router is to be asked for the port again.
func (b *Book) AskAgain(ctx context.Context) error {
	return b.change(ctx, func(s *Said) { s.Since = time.Time{} })
}

// Recognised notes the brand that a router told. What the owner chose stays.
func (b *Book) Recognised(ctx context.Context, brand guide.Brand) error {
	return b.change(ctx, func(s *Said) {
		if !s.Chosen && brand != guide.Generic {
			s.Brand = brand
		}
	})
}

// change stores a change, and only then it counts.
func (b *Book) change(ctx context.Context, edit func(*Said)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.said
	edit(&next)
	if next == b.said {
		return nil
	}
	if err := b.store.write(ctx, next); err != nil {
		return err
	}
	b.said = next
	b.tell()
	return nil
}

func (b *Book) tell() {
	if b.mapper != nil {
		b.mapper.SetByHand(!b.said.Since.IsZero())
	}
}
