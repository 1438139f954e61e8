// Package tokens is how programs come in without a login: by a token that somebody
// made for them.
//
// It promises:
//
//   - A token is 256 random bits behind a prefix by which people, and programs that
//     look for leaked secrets, recognise it. It is shown once; what is stored is its
//     SHA-256, from which nobody gets back to so many bits.
//   - It may do what its scopes say, and never more than the user whose it is may do
//     at that moment. It ends with that user, with an admin's role (package account),
//     at its time, or when somebody revokes it: at once, since each request asks anew.
//   - Wrong ones are slowed down for where they come from, apart from the passwords,
//     and a right one is always taken: nobody can be locked out.
//   - When it was used last is remembered to the hour, so that a program which asks
//     every second costs the disk one write an hour.
//
// It knows no HTTP.
package tokens
