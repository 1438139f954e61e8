// Package guard stands before every page and decides whether a request may be
// looked at at all. Whatever is behind it is safe from other people's web
// pages in the admin's browser by default:
//
//   - A request whose Host is not one of ours is answered with 421 and nothing
//     else: under DNS rebinding a foreign page has a foreign name for us, and
//     neither Origin nor cookies tell it from our own.
//   - A request that could change something needs an Origin that is our own. Only
//     what a program sends below /api/ with a token, and without any cookie, does
//     not: no page can have a browser add a token.
//   - Every answer carries headers that keep foreign content, frames and
//     guessing of content types out.
//   - Bodies are bounded.
package guard
