// Package web is how people see homeward: the admin page.
//
// All pages are in one table (routes.go), each with who may see it; a test
// walks the table. A request goes this way:
//
//	web/listen (TLS) ─▶ web/guard (Host, Origin, headers, size) ─▶ mux
//	    ─▶ session ─▶ who may? ─▶ one handler a page ─▶ one typed struct ─▶ template
//	    └▶ token, below /api/ and without a cookie ─▶ what may it? ─▶ web/api
//
// The page works without JavaScript; live.js only keeps it up to date, and busy.js
// shows that a form's work is under way. Nothing is changed by GET, and every change
// answers with a redirect. There is no third-party origin, and nothing inline.
//
// The room knows the peers and gets everything else as functions: it must not
// know the device, the router or the disk.
package web
