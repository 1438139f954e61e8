// Package passkeys lets people log in by a passkey (WebAuthn): a key that a phone, a
// computer or a stick keeps, and uses only for the page by whose name it was made and
// after it saw a finger, a face or a PIN. So one is a whole login, second step included.
//
// It promises:
//
//   - Only public keys are stored. A passkey counts for the one name (site) by which
//     the page was open when it was made, which the browser holds, too.
//   - The user is always verified by the device. One that seems to have been copied,
//     since its counter goes backwards, is refused.
//   - A question is answered once, within five minutes; questions live in memory and
//     are bounded, by place and altogether.
//   - A passkey is made by who is logged in and says the password again, and ends with
//     the user, with a password that somebody else sets (package account), or when the
//     user removes it.
//
// Browsers know no passkeys for bare addresses, and none where they don't trust the
// connection: see SiteOf.
package passkeys
