package account

import "slices"

// Role is what somebody may do on the page.
type Role string

// The roles there are.
const (
	RoleAdmin  Role = "admin"  // everything
	RoleViewer Role = "viewer" // look, but at no code and no key
)

// Scope is a part of what can be done. A route needs one, and whoever calls it
// has some.
type Scope string

// The scopes there are.
const (
	ScopeMetrics Scope = "metrics" // numbers about the house, which name nobody
	ScopeRead    Scope = "read"    // look at what holds no secret
	ScopePeers   Scope = "peers"   // devices and their codes
	ScopePorts   Scope = "ports"   // the router's ports and forwards
	ScopeAdmin   Scope = "admin"   // everything
)

// Scopes is what somebody may do.
type Scopes []Scope

// Allow reports whether need is among them; who is an admin may do everything.
func (s Scopes) Allow(need Scope) bool {
	return slices.Contains(s, need) || slices.Contains(s, ScopeAdmin)
}

// Within is what of s a user with limit may do.
func (s Scopes) Within(limit Scopes) Scopes {
	var left Scopes
	for _, one := range s {
		if limit.Allow(one) {
			left = append(left, one)
		}
	}
	return left
}

// AllScopes lists the scopes, the smallest first.
func AllScopes() Scopes { return Scopes{ScopeMetrics, ScopeRead, ScopePeers, ScopePorts, ScopeAdmin} }

// Scopes is what r may do: nothing, for a role that there is not.
func (r Role) Scopes() Scopes {
	switch r {
	case RoleAdmin:
		return Scopes{ScopeAdmin}
	case RoleViewer:
		return Scopes{ScopeRead}
	}
	return nil
}
