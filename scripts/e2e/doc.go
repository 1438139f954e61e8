// Package e2e does with a whole homeward what a person does, in the lab's
// namespaces, with independent programs on the other side.
package e2e
