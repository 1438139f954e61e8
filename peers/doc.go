// Package peers decides who may come home: names, keys, addresses, access and
// the configs that people scan.
package peers
