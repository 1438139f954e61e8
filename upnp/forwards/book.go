package forwards

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"

	"homeward/upnp"
)

// Mapper is what the book needs of the port mapper.
type Mapper interface {
	SetForwards([]upnp.Forward)
}

// Config is what a Book needs. DB is required.
type Config struct {
	DB    *sql.DB      // with the table forwards
	House func() House // may be nil where no rule is made or switched on
	// Mapper may be nil: the rules are kept, and the router isn't asked.
	Mapper Mapper
}

// Book is all the rules.
type Book struct {
	store store
	house func() House
	// hand hands the mapper what is on.
	hand func([]upnp.Forward)

	mu    sync.Mutex // guards rules, and the order of what the mapper is told; held over the database, which has one writer anyway
	rules []Rule
}

// New reads the rules and hands them to the mapper.
func New(ctx context.Context, c Config) (*Book, error) {
	b := &Book{store: store{c.DB}, house: c.House, hand: func([]upnp.Forward) {}}
	if c.Mapper != nil {
		b.hand = c.Mapper.SetForwards
	}
	var err error
	if b.rules, err = b.store.all(ctx); err != nil {
		return nil, err
	}
	b.hand(forwards(b.rules))
	return b, nil
}

// Rules returns all rules, in the order in which they were made.
func (b *Book) Rules() []Rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.rules)
}

// Add makes a rule. Its ID and Created are set by the book. It fails with a
// *FieldError or ErrFull.
func (b *Book) Add(ctx context.Context, r Rule) (Rule, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := r.check(b.house(), b.rules); err != nil {
		return Rule{}, err
	}
	r.Created = time.Now().Truncate(time.Second)
	var err error
	if r.ID, err = b.store.add(ctx, r); err != nil {
		return Rule{}, err
	}
	b.rules = append(b.rules, r)
	b.hand(forwards(b.rules))
	return r, nil
}

// SetEnabled switches a rule on or off. Before it is switched on it is checked anew,
// since the house may have changed. It fails with ErrNotFound or a *FieldError.
func (b *Book) SetEnabled(ctx context.Context, id int64, on bool) (Rule, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 {
		return Rule{}, ErrNotFound
	}
	if on && !b.rules[i].Enabled {
		if err := b.rules[i].check(b.house(), slices.Delete(slices.Clone(b.rules), i, i+1)); err != nil {
			return Rule{}, err
		}
	}
	if err := b.store.setEnabled(ctx, id, on); err != nil {
		return Rule{}, err
	}
	b.rules[i].Enabled = on
	b.hand(forwards(b.rules))
	return b.rules[i], nil
}

// Remove deletes a rule; the mapper takes it back from the router. It fails with
// ErrNotFound.
func (b *Book) Remove(ctx context.Context, id int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 {
		return ErrNotFound
	}
	if err := b.store.remove(ctx, id); err != nil {
		return err
	}
	b.rules = slices.Delete(b.rules, i, i+1)
	b.hand(forwards(b.rules))
	return nil
}

// On finds the rule that is on and opens a port.
func (b *Book) On(protocol string, external uint16) (Rule, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.rules, func(r Rule) bool {
		return r.Enabled && r.Protocol == protocol && external >= r.External && int(external) <= r.last()
	})
	if i < 0 {
		return Rule{}, false
	}
	return b.rules[i], true
}

func (b *Book) index(id int64) int {
	return slices.IndexFunc(b.rules, func(r Rule) bool { return r.ID == id })
}
