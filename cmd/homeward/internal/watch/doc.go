// Package watch looks at the appliance's parts every few seconds and tells the
// stream of events what changed: the router's port and address, alerts, and who
// was refused. The parts know nothing of it.
package watch
