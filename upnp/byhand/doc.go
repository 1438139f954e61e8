// Package byhand remembers over restarts what the owner said of the router: that he
// forwards homeward's port himself, since when, and what brand it is. While he does,
// the port mapper does not ask for the port.
package byhand
