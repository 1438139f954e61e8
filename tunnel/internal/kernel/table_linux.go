package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// write replaces our table by the ruleset. Until the last transaction the
// masquerade rules are missing, which is why it comes before the interface.
func (r *ruleset) write() error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("opening nftables: %w", err)
	}
	r.deleteFirst(conn)
	if err := r.queue(conn); err != nil {
		return fmt.Errorf("encoding the rules: %w", err)
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("writing nftables table inet %s: %w", r.table.Name, err)
	}
	for _, c := range r.chains {
		if len(c.masq) > 0 {
			if err := setMasquerades(c.Chain, c.masq); err != nil {
				return err
			}
		}
	}
	return r.verify(conn)
}

// deleteFirst makes the deletion of our table a part of the transaction. It is
// added before, because there may be none.
func (r *ruleset) deleteFirst(conn *nftables.Conn) {
	old := &nftables.Table{Family: r.table.Family, Name: r.table.Name}
	conn.AddTable(old)
	conn.DelTable(old)
}

func (r *ruleset) queue(conn *nftables.Conn) error {
	conn.AddTable(r.table)
	for _, s := range r.sets {
		if err := conn.AddSet(s.Set, s.elements); err != nil {
			return err
		}
	}
	for _, c := range r.chains {
		conn.AddChain(c.Chain)
	}
	for _, c := range r.chains { // after all chains that they jump to
		for _, exprs := range c.rules {
			conn.AddRule(&nftables.Rule{Table: r.table, Chain: c.Chain, Exprs: exprs})
		}
	}
	return nil
}

// verify reads back what the kernel has understood.
func (r *ruleset) verify(conn *nftables.Conn) error {
	for _, s := range r.sets {
		got, err := conn.GetSetElements(s.Set)
		if err != nil {
			return fmt.Errorf("reading back the set %s: %w", s.Name, err)
		}
		if have, want := elements(got), elements(s.elements); have != want {
			return fmt.Errorf("reading back the set %s: it is %s, not %s", s.Name, have, want)
		}
	}
	for _, c := range r.chains {
		rules, err := conn.GetRules(r.table, c.Chain)
		if err != nil {
			return fmt.Errorf("reading back the chain %s: %w", c.Name, err)
		}
		if len(rules) != len(c.rules)+len(c.masq) {
			return fmt.Errorf("reading back the chain %s: it has %d rules, not %d", c.Name, len(rules), len(c.rules)+len(c.masq))
		}
		for i, want := range c.rules {
			if have, want := essence(rules[i].Exprs), essence(want); have != want {
				return fmt.Errorf("reading back rule %d of the chain %s: it is %s, not %s", i+1, c.Name, have, want)
			}
		}
	}
	return nil
}

// elements describes the keys of a set in no particular order.
func elements(es []nftables.SetElement) string {
	var keys []string
	for _, e := range es {
		keys = append(keys, fmt.Sprintf("%x/%t", e.Key, e.IntervalEnd))
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// essence describes the parts of a rule that decide about packets and that the
// library reads back.
func essence(exprs []expr.Any) string {
	var b strings.Builder
	for _, e := range exprs {
		switch e := e.(type) {
		case *expr.Cmp:
			fmt.Fprintf(&b, "cmp %d %x; ", e.Op, e.Data)
		case *expr.Payload:
			fmt.Fprintf(&b, "load %d+%d %d; ", e.Base, e.Offset, e.Len)
		case *expr.Bitwise:
			fmt.Fprintf(&b, "and %x xor %x; ", e.Mask, e.Xor)
		case *expr.Meta:
			fmt.Fprintf(&b, "meta %d; ", e.Key)
		case *expr.Ct:
			fmt.Fprintf(&b, "ct %d; ", e.Key)
		case *expr.Lookup:
			fmt.Fprintf(&b, "in %s; ", e.SetName)
		case *expr.Exthdr:
			fmt.Fprintf(&b, "option %d+%d %d; ", e.Type, e.Offset, e.Len)
		case *expr.Verdict:
			fmt.Fprintf(&b, "verdict %d %s; ", e.Kind, e.Chain)
		}
	}
	return b.String()
}

// deleteTable removes the table of an interface, if there is one. A kernel without
// nftables has none.
func deleteTable(iface string) error {
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("opening nftables: %w", err)
	}
	conn.DelTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: tableName(iface)})
	err = conn.Flush()
	if err != nil && !slices.ContainsFunc([]error{unix.ENOENT, unix.EOPNOTSUPP, unix.EPROTONOSUPPORT}, func(none error) bool { return errors.Is(err, none) }) {
		return fmt.Errorf("deleting nftables table inet %s: %w", tableName(iface), err)
	}
	return nil
}

// tryTable writes the rules and deletes them again in one transaction, so that
// nobody sees them.
func tryTable(r *ruleset) error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	if err := r.queue(conn); err != nil {
		return err
	}
	conn.DelTable(r.table)
	return conn.Flush()
}

// blockers names the chains of others that drop packets by default where ours
// would let peers through, and don't mention our interface.
func blockers(iface string) []string {
	conn, err := nftables.New()
	if err != nil {
		return nil
	}
	chains, err := conn.ListChains()
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range chains {
		if c.Hooknum == nil || c.Policy == nil || *c.Policy != nftables.ChainPolicyDrop || c.Table.Name == tableName(iface) {
			continue
		}
		family, ip := map[nftables.TableFamily]string{
			nftables.TableFamilyINet: "inet", nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6",
		}[c.Table.Family]
		if !ip || *c.Hooknum != *nftables.ChainHookForward && *c.Hooknum != *nftables.ChainHookInput || mentions(conn, c.Table, chains, iface) {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %s", family, c.Table.Name, c.Name))
	}
	return out
}

// mentions says whether a rule of the table names our interface: then somebody
// has thought of us.
func mentions(conn *nftables.Conn, t *nftables.Table, chains []*nftables.Chain, iface string) bool {
	for _, c := range chains {
		if c.Table.Name != t.Name || c.Table.Family != t.Family {
			continue
		}
		rules, err := conn.GetRules(t, c)
		if err != nil {
			continue
		}
		for _, r := range rules {
			for _, e := range r.Exprs {
				if cmp, ok := e.(*expr.Cmp); ok && names(cmp.Data, iface) {
					return true
				}
			}
		}
	}
	return false
}

// names says whether data is what a rule compares with for iface: the name with
// a zero byte, or for "home*" its beginning.
func names(data []byte, iface string) bool {
	name, _, whole := bytes.Cut(data, []byte{0})
	if whole {
		return string(name) == iface
	}
	return len(name) >= 3 && strings.HasPrefix(iface, string(name))
}
