// Command release makes everything that is handed out of one commit:
//
//	go run ./scripts/release --out dist --key signing.pem
//
// The programs for each platform, packages (.deb, .rpm), an OCI image, the list
// of components, the manifest for "homeward update", checksums, and signatures
// by a key that is given from outside. Only what is committed goes in, and two
// runs give the same bytes, wherever they run: nothing of the machine, the
// folder or the clock is in them. Without a key nothing is signed, and the
// programs do not update themselves.
//
// MIPS is missing, since the database's library does not know it.
package main
