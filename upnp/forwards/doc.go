// Package forwards keeps the rules by which the owner wants other ports of the
// internet sent to machines at home: checked when they are made, stored, and handed
// to the port mapper, which asks the router.
//
// It never takes a rule for homeward's own page, for the port by which devices come
// home, or for what is not a machine in the house.
package forwards
