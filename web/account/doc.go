// Package account decides who may use the admin page: the first claim, the
// password and the sessions. It knows no HTTP.
//
// It promises:
//
//   - A box is claimed once. The setup token is random (128 bits), lives in
//     memory for one day at most, and dies when it is used or when another is
//     made. Of many claims at the same moment one wins.
//   - A claimed box never becomes unclaimed by itself: whoever lost the password
//     sets another one on the box.
//   - Passwords are stored as argon2id hashes with modest costs, computed one
//     at a time behind a short queue: the cost of wrong logins must not stop a
//     small box. Costs read back from the disk are checked before they are used.
//   - Wrong logins are slowed down for where they come from, never for everyone,
//     so that nobody can lock the owner out.
//   - A user may ask for a second step (RFC 6238). Its secret is sealed at rest, no
//     code is taken twice, and wrong ones are slowed down for where they come from
//     and for the user, so that many places don't help who knows the password.
//     Recovery codes are hashed at rest and work once each. Switching it on or off
//     ends that user's other sessions.
//   - A changed password ends every session, and one that somebody else set ends
//     passkeys and the tokens of programs, too; a smaller role ends the tokens. See
//     the packages passkeys and tokens. Session tokens are hashed at rest.
package account
