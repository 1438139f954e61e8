// Package guide tells how a port is forwarded by hand, in the words of the router's
// own pages: which menu, which fields, which values, and the name of the switch that
// lets devices open ports by themselves.
//
// The table (brands.go) was put together from the makers' public manuals and help
// pages. Menus differ between models and versions, which every guide says; what is
// never guessed are the values, which are this house's own.
package guide
