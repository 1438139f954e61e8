// Package configs is the operator's side of what homeward knows: the file
// homeward.toml with its environment variables and flags. It holds only what
// is needed to start; everything else is changed on the page.
//
// One table, Keys, is the source of the file's keys, the variables, the flags
// and the example file, so that they cannot drift apart.
package configs
