// Package proven keeps over a restart what proved the way in: packets that came from
// outside to where home was, of each kind and family the latest, with no more of their
// source than its network.
//
// It counts only while home is seen to be where it was: at the same address and port,
// behind the same router. Until the router was heard nothing counts, and once home is
// elsewhere all of it is forgotten. A proof ends after upnp.ProofLasts.
package proven
